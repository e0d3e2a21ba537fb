from danvan.document import *
