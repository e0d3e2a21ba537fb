"""Warm Jupyter kernels: forks of a zygote that has imported the heavy modules ahead; elsewhere, a spare started ahead.

The room knows nothing of the rest of the project. `zygote.started` begins, `manager.WarmKernelManager` asks.
"""
