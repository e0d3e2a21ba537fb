"""A Word file against a profile: sections, page numbers, and each paragraph by its style, as it is in effect.

Its document, where it is known, says also which parts must be there and which pages lie on their side.
"""

from __future__ import annotations

from danvan import formats
from danvan.document import Block, Closing, Document, TitleBlock
from danvan.formats import Json, allowed
from danvan.publish import wanted
from danvan.publish.paragraphs_of_docx import Para, Section, WordFile
from danvan.publish.wanted import PAGE, PARTS, Difference

_PT_TO_MM = 25.4 / 72
_SIDES = {"left": "trái", "right": "phải", "top": "trên", "bottom": "dưới"}
_SIGNING = ("ThamQuyen", "ChucVu", "HoTenKy")
_CENTRED = ("TieuDe", "TieuNgu", "CoQuanBanHanh", "TenLoai", "TrichYeu", "SoPhuLuc", "TenPhuLuc", "KemTheo", "SoTrang")
_HEAD = ("TieuDe", "CoQuanBanHanh", "SoKyHieu", "DiaDanhNgay")


def differences(word: WordFile, profile: Json, document: Document | None) -> list[Difference]:
    """What a Word file has otherwise than the profile."""
    return _Lint(word, profile, document).run()


class _Lint:
    def __init__(self, word: WordFile, profile: Json, document: Document | None) -> None:
        self.word, self.profile, self.document = word, profile, document
        self.parts = wanted.parts(profile)
        self.found: list[Difference] = []
        self.tell = self.found.append
        self.grammar = profile["family"] if profile["family"] in formats.FAMILIES else "party"

    def run(self) -> list[Difference]:
        for number, para in enumerate(self.word.paragraphs, start=1):
            if para.text.strip():
                self._paragraph(para, wanted.place(f"đoạn {number}", para.text.strip()))
        for para in self.word.notes:
            self._faces(para, wanted.place("chú thích", para.text.strip()))
        self._there()
        self._list_of_recipients()
        self._annexes()
        for index, section in enumerate(self.word.sections):
            part = sum(self._begins_annex(before) for before in range(index + 1))
            self._section(section, index, part)
        return wanted.gathered(self.found)

    # ------------------------------------------------------------ paragraphs

    def _paragraph(self, para: Para, where: str) -> None:
        if para.style in ("ThamQuyen", "ChucVu"):
            self._authority(para.text.strip(), where)
        self._faces(para, where)
        if para.style == "ThanVan":
            self._spacing(para, where)
        if para.style in _CENTRED and para.align != "center":
            self.tell(Difference(PARTS[para.style], "vị trí", "giữa dòng", f"căn {_ALIGNS.get(para.align, '')}", where))
        text = para.text.strip()
        if para.style == "SoKyHieu":
            wanted.number_line(self.profile, text, where, self.tell)
        elif para.style == "DiaDanhNgay":
            wanted.date_line(self.profile, text, where, self.tell)
        elif para.style in ("TieuDe", "TieuNgu"):
            due = self.profile["head"]["heading_text" if para.style == "TieuDe" else "motto_text"]
            if text.casefold() != due.casefold():
                self.tell(Difference(PARTS[para.style], "chữ", due or "(không có)", text, where))

    def _authority(self, line: str, where: str) -> None:
        """Whose grammar the lines from here on are in; words of the other grammar are told where the document knows."""
        closings = [block for block in self._blocks() if isinstance(block, Closing)]
        signed = [p for closing in closings for p in closing.signatories if p.titles and p.titles[0] == line]
        if signed:
            self.grammar = signed[0].grammar
            wanted.authority(self.profile, self.grammar, line, where, self.tell)
        else:
            fitting = [name for name in formats.FAMILIES if formats.is_authority(self.profile, name, line)]
            self.grammar = fitting[0] if fitting else self.grammar

    def _blocks(self) -> list[Block]:
        return [block for part in (self.document.parts if self.document else ()) for block in part.blocks]

    def _faces(self, para: Para, where: str) -> None:
        signing = para.style in _SIGNING
        want = wanted.signature(self.profile, self.grammar, para.style) if signing else self.parts.get(para.style)
        for run in para.runs:
            if run.raised or not run.text.strip():
                continue
            if want:
                wanted.compare(want, run.face, self.profile["font"], where, self.tell)
            elif run.face.font.casefold() not in wanted.ALIKE.get(self.profile["font"], ()):
                named = f"Kiểu “{para.style}”"
                self.tell(Difference(named, "phông chữ", self.profile["font"], run.face.font or "(không rõ)", where))

    def _spacing(self, para: Para, where: str) -> None:
        name, profile = PARTS["ThanVan"], self.profile
        line = allowed(profile, "body.line_pt")
        wanted.number(name, "khoảng cách dòng", line, para.line, "pt", where, self.tell)
        gap = allowed(profile, "body.paragraph_gap_pt")
        wanted.number(name, "khoảng cách đoạn", gap, para.before + para.after, "pt", where, self.tell)
        if para.align != "both":
            self.tell(Difference(name, "căn lề", "căn đều hai bên", f"căn {_ALIGNS.get(para.align, '')}", where))
        if not para.listed:
            indent = allowed(profile, "body.first_line_mm")
            wanted.number(name, "thụt dòng đầu", indent, para.first_line * _PT_TO_MM, "mm", where, self.tell)

    # ------------------------------------------------------------ what must be there

    def _there(self) -> None:
        """Each part of an official document, or of this one."""
        titles = [block for block in self._blocks() if isinstance(block, TitleBlock)]
        official = any(title.heading for title in titles) if titles else self.profile["family"] in formats.FAMILIES
        due = ["TenLoai", "ThanVan"]
        if official:
            due += [*_HEAD, *["TieuNgu"] * bool(self.profile["head"]["motto_text"]), "NoiNhan", "NoiNhanMuc"]
        there = {para.style for para in self.word.paragraphs if para.text.strip()}
        for style in due:
            if style not in there:
                self.tell(Difference(PARTS[style], "có trong tệp", "có", "không thấy", "tệp Word"))
        if official:
            self._signs()
        if self.document and self.document.meta.marks:
            asked = self.profile["marks"]["joined_by"].join(self.document.meta.marks)
            for index, section in enumerate(self.word.sections, start=1):
                for kind in ("default", *["first"] * section.title_page):
                    text = " ".join(para.text for para in section.footers.get(kind, ()))
                    if " ".join(asked.split()) not in " ".join(text.split()):
                        where = f"phần {index}, {'trang đầu' if kind == 'first' else 'các trang'}"
                        self.tell(
                            Difference(PARTS["TinhTrang"], "có trên trang", f"“{asked}”", text or "không thấy", where)
                        )

    def _signs(self) -> None:
        """'*' below the issuer, '-----' below the subject: lines of their own, or none where a rule is drawn."""
        there = {para.text.strip() for para in self.word.paragraphs}
        for style, sign, due in (
            ("CoQuanBanHanh", "*", self.profile["head"]["star"]),
            ("TrichYeu", "-----", self.profile["title"]["rule"]),
        ):
            found = sign if sign in there else ""
            if found != due:
                asked, got = (f"“{text}”" if text else "không có" for text in (due, found))
                self.tell(Difference(PARTS[style], "dấu bên dưới", asked, got, "tệp Word"))

    def _list_of_recipients(self) -> None:
        form = self.profile["closing"]["distribution"]
        items = [para.text.strip() for para in self.word.paragraphs if para.style == "NoiNhanMuc" and para.text.strip()]
        for order, text in enumerate(items):
            where = wanted.place("Nơi nhận", text)
            name = text.removeprefix(form["bullet"].strip()).strip()
            wanted.archive(self.profile, name, where, self.tell)
            due = form["end"] if order + 1 == len(items) else form["separator"]
            if text[-1:] in ",;." and text[-1:] != due:
                self.tell(Difference(PARTS["NoiNhanMuc"], "dấu cuối dòng", due, text[-1:], where))

    def _annexes(self) -> None:
        numbers = [para for para in self.word.paragraphs if para.style == "SoPhuLuc" and para.text.strip()]
        for index, para in enumerate(numbers, start=1):
            due, text = formats.annex_number(self.profile, index, len(numbers)), para.text.strip()
            if text.rstrip(".:") != due:
                self.tell(Difference(PARTS["SoPhuLuc"], "số phụ lục", due, text, wanted.place("phụ lục", text)))
        for para in self.word.paragraphs:
            text = para.text.strip()
            if para.style == "TenPhuLuc" and self.profile["annex"]["title_capitals"] and text != text.upper():
                self.tell(Difference(PARTS["TenPhuLuc"], "kiểu chữ", "in hoa", "in thường", f"“{text}”"))

    # ------------------------------------------------------------ sections

    def _section(self, section: Section, index: int, part: int) -> None:
        where = f"phần {index + 1}"
        size = self.profile["page"]["width_mm"], self.profile["page"]["height_mm"]
        found = section.width * _PT_TO_MM, section.height * _PT_TO_MM
        lies = found[0] > found[1]
        due = self._lies(part, lies)
        asked = size[::-1] if due else size
        if due != lies:
            words = ("khổ đứng", "khổ ngang")
            self.tell(Difference(PAGE, "hướng giấy", words[due], words[lies], where))
        elif any(abs(a - b) > 0.6 for a, b in zip(asked, found, strict=True)):
            self.tell(Difference(PAGE, "khổ giấy", wanted.paper(*asked), wanted.paper(*found), where))
        key = "landscape_margin_mm" if lies else "margin_mm"
        for side, words_ in _SIDES.items():
            margin = allowed(self.profile, f"page.{key}.{side}")
            value = section.margins[side] * _PT_TO_MM
            wanted.number(PAGE, f"lề {words_}", margin, value, "mm", where, self.tell)
        if not self._is_contents(index):
            self._page_number(section, "annex" if part else "main", where)
        if self._begins_annex(index) and section.starts_at != 1:
            begins = "nối tiếp" if section.starts_at is None else f"từ {section.starts_at}"
            self.tell(Difference(PARTS["SoTrang"], "đánh số phụ lục", "từ 1", begins, where))

    def _lies(self, part: int, found: bool) -> bool:
        """Whether the section should lie on its side: as its part does, where the file has the document's parts."""
        parts = self.document.parts if self.document else ()
        count = 1 + sum(self._begins_annex(index) for index in range(len(self.word.sections)))
        return parts[part].landscape if len(parts) == count else found

    def _page_number(self, section: Section, kind: str, where: str) -> None:
        form, name = self.profile["page_number"], PARTS["SoTrang"]
        shown = [para for para in section.headers.get("default", ()) if para.has_page]
        if not shown:
            self.tell(Difference(name, "số", "số trang ở giữa, phía trên", "không có", where))
        for para in shown:
            if para.align != "center":
                self.tell(Difference(name, "vị trí", "giữa, phía trên", f"căn {_ALIGNS.get(para.align, '')}", where))
            for run in para.runs:
                if run.text.strip():
                    wanted.compare(self.parts["SoTrang"], run.face, self.profile["font"], where, self.tell)
        first = section.headers.get("first", ()) if section.title_page else section.headers.get("default", ())
        on_first = any(para.has_page for para in first)
        if on_first != form["on_first_page"][kind]:
            words = ("không đánh số", "đánh số")
            self.tell(Difference(name, "trang đầu", words[not on_first], words[on_first], where))
        away = allowed(self.profile, "page_number.from_edge_mm")
        wanted.number(name, "cách mép trên", away, section.header * _PT_TO_MM, "mm", where, self.tell, off=1)

    def _texts(self, section: int) -> list[Para]:
        return [para for para in self.word.paragraphs if para.section == section and para.text.strip()]

    def _begins_annex(self, section: int) -> bool:
        return any(para.style in ("SoPhuLuc", "TenPhuLuc") for para in self._texts(section)[:1])

    def _is_contents(self, section: int) -> bool:
        """Whether it is a table of contents and nothing else: no rule speaks of its number."""
        return all(para.style.casefold().startswith("toc") for para in self._texts(section))


_ALIGNS = {"left": "trái", "start": "trái", "right": "phải", "end": "phải", "center": "giữa", "both": "đều hai bên"}
