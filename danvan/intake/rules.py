"""The rules of reading: each id, how grave it is, and when it speaks. Those between figures stand in the catalogue.

docs/rules.md is made from both, with an example of each that a test has really produced.
"""

from __future__ import annotations

from typing import Literal, NamedTuple


class Rule(NamedTuple):
    """`severity`: an error keeps the value, or the whole file, out and stops the report; a warning wants an answer."""

    severity: Literal["error", "warning"]
    when: str


def _errors(**rules: str) -> dict[str, Rule]:
    return {name.replace("_", "-"): Rule("error", when) for name, when in rules.items()}


def _warnings(**rules: str) -> dict[str, Rule]:
    return {name.replace("_", "-"): Rule("warning", when) for name, when in rules.items()}


GROUPS: dict[str, dict[str, Rule]] = {
    "Tệp": _errors(
        not_a_file="Không phải tệp thường: liên kết, thư mục, ống dẫn.",
        not_readable="Không có quyền đọc, hoặc tệp biến mất khi đang đọc.",
        still_being_written="Tệp đang được chép hoặc ghi khi đọc.",
        empty_file="Tệp rỗng.",
        too_large="Tệp quá nặng so với một phiếu.",
        password_protected="Tệp đặt mật khẩu.",
        old_excel="Định dạng bảng tính khác .xlsx.",
        not_excel="Nội dung không phải bảng tính, dù tên tệp là gì.",
        damaged_file="Tệp hỏng hoặc bị cắt cụt.",
        zip_bomb="Tệp nén bung ra quá lớn.",
        too_many_cells="Bảng tính có quá nhiều dòng, ô hoặc vùng.",
        unsafe_file="Tệp chứa thứ không bao giờ có trong một phiếu bình thường.",
        wrong_encoding="CSV không phải UTF-8.",
        not_a_form="CSV không có dòng tiêu đề của phiếu.",
    )
    | _warnings(
        macros="Tệp có macro; macro không bao giờ được chạy và không chép sang đâu.",
        open_in_excel="Bên cạnh có tệp khóa của Excel: phiếu có thể chưa lưu xong.",
    ),
    "Dữ liệu cá nhân": _errors(
        personal_data="Có số căn cước, chứng minh, hộ chiếu hoặc số điện thoại; cả tệp bị trả lại.",
        personal_columns="Có cột ghi họ tên, ngày sinh, địa chỉ hay số giấy tờ; cả tệp bị trả lại.",
    )
    | _warnings(person_name="Có tên người trong ghi chú hoặc trong thuộc tính tệp; không đưa vào báo cáo."),
    "Phiếu của ai, kỳ nào": _errors(
        missing_return="Đơn vị phải báo cáo nhưng không có phiếu đọc được.",
        duplicate_return="Hai phiếu khác nhau của một đơn vị.",
        unknown_unit="Tên đơn vị không có trong kỳ này.",
        two_units="Hai trang của một phiếu ghi hai đơn vị.",
        wrong_form="Mã mẫu phiếu không còn nguyên, hoặc là mẫu khác.",
        wrong_layout="Bố cục mẫu phiếu khác.",
        last_years_form="Mẫu phiếu của năm khác.",
        form_of_another_unit="Mẫu phiếu phát cho đơn vị khác.",
        wrong_year="Phiếu ghi năm khác.",
        wrong_period="Kỳ số liệu không phải kỳ báo cáo.",
        unknown_nature="Không rõ số liệu chính thức hay minh họa.",
    )
    | _warnings(
        duplicate_copy="Hai tệp giống hệt nhau; chỉ lấy một.",
        unit_spelling="Tên đơn vị viết khác danh mục nhưng chỉ có một cách hiểu.",
        file_name="Tên tệp nhắc đơn vị khác với đơn vị ghi trong phiếu.",
        form_of_another_catalogue="Mẫu phiếu lập theo danh mục chỉ tiêu khác với danh mục hiện nay.",
        partial_period="Số liệu chưa đủ kỳ; tổng số ghi rõ là chưa đủ.",
    ),
    "Trang, dòng, cột": _errors(
        unknown_sheets="Không có trang nào của mẫu phiếu.",
        missing_sheet="Thiếu một trang của mẫu phiếu.",
        missing_head="Đầu trang thiếu một dòng.",
        missing_table="Không thấy dòng tiêu đề của bảng.",
        transposed="Bảng xoay ngang: chỉ tiêu nằm theo cột.",
        missing_column="Bảng thiếu cột.",
        column_twice="Một cột có hai lần.",
        missing_row="Thiếu dòng của một chỉ tiêu; không bao giờ coi là 0.",
        row_without_code="Dòng có số nhưng không có mã, kể cả dòng tổng cộng.",
        unknown_indicator="Mã chỉ tiêu không có ở trang này.",
        indicator_twice="Một chỉ tiêu ghi hai lần.",
        code_and_name="Mã và tên chỉ tiêu trên một dòng không đi với nhau.",
        measure_changed="Đơn vị tính trong phiếu khác danh mục.",
        merged_cells="Ô gộp trong bảng: không rõ số thuộc dòng nào.",
    )
    | _warnings(
        column_spelling="Tên cột viết khác mẫu nhưng chỉ có một cách hiểu.",
        hidden_rows="Có dòng ẩn hoặc đang lọc; vẫn đọc.",
        hidden_columns="Có cột ẩn; vẫn đọc.",
        hidden_sheet="Có trang ẩn.",
        extra_sheet="Có trang không thuộc mẫu; không đọc số từ đó.",
        outside_table="Có số nằm ngoài các cột của mẫu; không đọc.",
        old_encoding="Chữ theo bảng mã cũ, đã chuyển sang Unicode.",
    ),
    "Ô": _errors(
        unclear_number="Không đọc được là một số với chỉ một cách hiểu.",
        error_cell="Ô báo lỗi công thức.",
        formula_without_value="Công thức không lưu kết quả.",
        formula_from_elsewhere="Công thức lấy số từ tệp khác, từ mạng hoặc gọi chương trình.",
        wrong_type="Ô chứa ngày, giờ hoặc đúng/sai.",
        percent="Ô định dạng phần trăm cho số tuyệt đối.",
        hidden_format="Định dạng ô làm số hiện ra khác số lưu.",
        negative="Số âm.",
        fraction="Số lẻ cho chỉ tiêu chỉ nhận số nguyên, hoặc quá nhiều chữ số thập phân.",
        blank="Ô trống mà không chọn tình trạng.",
        not_yes_or_no="Không phải Có hoặc Không.",
        value_and_status="Vừa có số vừa chọn tình trạng trái với số.",
        unknown_word="Từ không có trong danh sách chọn.",
        word_without_number="Mức chính xác đi với ô không có số.",
        zero_with_word="Số 0 đi với “hơn”, “trên”, “khoảng”.",
        not_applicable="Ghi số cho chỉ tiêu mà đơn vị không có đối tượng.",
        decimal_mark="CSV khai dấu thập phân lạ.",
    )
    | _warnings(
        oddly_typed="Số viết lạ nhưng chỉ có một cách hiểu.",
        formula="Số là kết quả công thức; lấy kết quả đã lưu.",
        stale_formula="Kết quả đã lưu của công thức khác kết quả tính lại.",
        shown_rounded="Ô hiện số làm tròn; lấy số lưu trong ô.",
        claims_not_applicable="Ghi “không áp dụng” cho chỉ tiêu mà danh mục cho là phải báo cáo.",
        not_reported="Đơn vị không báo cáo chỉ tiêu này.",
        cell_comment="Ô có chú thích kèm theo; có thể là lời sửa số.",
        note_says_otherwise="Lời ghi trong phiếu nêu số khác với ô Giá trị.",
    ),
    "Số nêu ngoài phiếu, giải trình": _errors(
        competing_figures="Một cơ quan nêu số khác số cộng từ phiếu mà chưa có quyết định.",
    )
    | _warnings(
        stale_answer="Lời giải trình không ứng với điểm nào cần giải trình; số trong phiếu có thể đã đổi.",
    ),
    "Thiết lập của năm": _warnings(
        threshold_lowered="Ngưỡng che số nhỏ về người thấp hơn năm trước; bản công khai nêu thêm những số nhỏ hơn.",
    ),
}
RULES: dict[str, Rule] = {name: rule for group in GROUPS.values() for name, rule in group.items()}
# What these find is written beside the figures: it is shown to the office and the analyst, and goes into no report.
QUOTING = frozenset(
    {"cell-comment", "extra-sheet", "hidden-sheet", "note-says-otherwise", "outside-table", "person-name"}
)
