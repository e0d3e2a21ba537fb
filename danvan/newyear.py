"""Next year's params from this year's: what goes on is kept, what belongs to one year alone is blanked."""

from __future__ import annotations

import io
import re
from datetime import date

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from danvan.bodies import load_bodies
from danvan.errors import SettingsError
from danvan.loading import is_there, read_text
from danvan.params import load_params
from danvan.paths import Project

_MARK = "Chép từ năm {}: xem lại."
# Kept as last year had them, for the analyst to look through.
_TO_REVIEW = (
    *("theme", "directives", "communication_forms", "democracy_plans", "hotline", "movement_theme"),
    *("models_named", "limitations", "tasks", "distribution"),
)


def params_text(project: Project, year: int) -> str:
    """The text of params/YEAR.yaml made from the year before, with its comments.

    Raises SettingsError where that is not there or wrong.
    """
    last = year - 1
    if not is_there(project.params(last)):
        raise SettingsError(
            f"Chưa có {project.relative(project.params(last))} để lập năm {year} theo. Hãy lập năm {last} trước."
        )
    load_params(project, last)  # says what is wrong in it, with its line
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 10_000
    yaml.indent(mapping=2, sequence=4, offset=2)
    data: CommentedMap = yaml.load(
        _without_marks(read_text(project.params(last), project.relative(project.params(last))))
    )
    data["year"] = year
    data["period"]["start"], data["period"]["end"] = date(year, 1, 1), date(year, 12, 31)
    for key in ("data_cutoff", "returns_due"):
        data.ca.items.pop(key, None)  # remarks on last year's date
    data["returns_due"] = _a_year_on(data["returns_due"])
    data["data_cutoff"] = None
    data["document"]["number"] = data["document"]["date"] = None
    bodies = load_bodies(project)
    for body in data["bodies"]:
        body["name"] = bodies.name(body["id"], date(year, 12, 31))
    data["provenance"] = CommentedMap(city_totals="reported")
    data["plan"] = CommentedMap(kind=data["plan"]["kind"], number=None, date=None)
    data["plan"].fa.set_flow_style()
    data["theme"] = data["next_theme"]
    data["next_theme"] = f"(chủ đề năm {year + 1}, chưa có)"
    data["inspection"] = CommentedMap(plan=None, results=CommentedSeq())
    data["inspection"]["results"].fa.set_flow_style()
    data.pop("remarks", None)
    for key in _TO_REVIEW:
        data.yaml_set_comment_before_after_key(key, before=_MARK.format(last))
    data.yaml_set_start_comment(
        f"Báo cáo năm {year}, lập từ năm {last}. Để trống những gì chưa có: báo cáo sẽ ghi “Dự thảo” cho đến khi có "
        "số và ngày."
    )
    text = io.StringIO()
    yaml.dump(data, text)
    return text.getvalue()


def _without_marks(text: str) -> str:
    """Last year's params without the marks that they got when they were made themselves."""
    mark = re.escape(_MARK).replace(re.escape("{}"), r"\d{4}")
    return re.sub(rf"(?m)^ *# {mark}\n|^# Báo cáo năm \d{{4}}.*\n", "", text)


def _a_year_on(day: date) -> date:
    leap = (day.month, day.day) == (2, 29)
    return day.replace(year=day.year + 1, day=28 if leap else day.day)
