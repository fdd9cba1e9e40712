#!/usr/bin/env python3
"""Makes the folder of files as people have them, and beside each the outcome that is right for it.

    python3 tests/files/make.py        # writes tests/files/as-they-come

The outcomes are written here by hand, by what a clerk would call right, and not taken from the program. All names and numbers are
invented. `crates/needs-analysis/tests/it/requests/import_folder.rs` sends every file and holds the report against it.
"""
import io
import json
import os
import shutil
import zipfile
from datetime import datetime

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "as-they-come")
HEAD = ["编号", "受理时间", "区域编码", "类别", "姓名", "电话", "备注"]
AREA = "330211001001"
NAME = 0


def row(n, **change):
    """A good row, in the order of HEAD."""
    cells = {
        "编号": f"A-{n}", "受理时间": "2026-11-01 09:00", "区域编码": AREA, "类别": "助餐",
        "姓名": f"林某{n}", "电话": f"1990000{n:04d}", "备注": "午饭",
    }
    cells.update(change)
    return list(cells.values())


def quoted(cell):
    return '"' + cell.replace('"', '""') + '"' if any(c in cell for c in ',;\t"\n\r|') else cell


def csv(rows, sep=",", end="\n", head=HEAD):
    return "".join(sep.join(quoted(c) for c in r) + end for r in ([head] if head else []) + rows)


def good(count, start=1):
    return [row(n) for n in range(start, start + count)]


def put(name, data, **outcome):
    global NAME
    NAME += 1
    if isinstance(data, str):
        data = data.encode()
    path = os.path.join(HERE, f"{NAME:02d}-{name}")
    with open(path, "wb") as out:
        out.write(data)
    with open(path + ".outcome.json", "w", encoding="utf-8") as out:
        json.dump(outcome, out, ensure_ascii=False, indent=1, sort_keys=True)
        out.write("\n")


# ---- workbooks, as spreadsheets write them
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"


def escaped(text):
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


class Number(str):
    """A number cell."""


class Moment(str):
    """A number cell that is shown as a date with its time."""


class Formula(str):
    """A formula with the text that it gave."""


def cell(place, value, shared):
    if isinstance(value, Moment):
        return f'<c r="{place}" s="1"><v>{value}</v></c>'
    if isinstance(value, Number):
        return f'<c r="{place}"><v>{value}</v></c>'
    if isinstance(value, Formula):
        return f'<c r="{place}" t="str"><f>CONCATENATE("a")</f><v>{escaped(value)}</v></c>'
    if value not in shared:
        shared.append(value)
    return f'<c r="{place}" t="s"><v>{shared.index(value)}</v></c>'


def workbook(sheets, merged=(), hidden=(), date1904=False):
    """sheets: (name, rows[, state]); hidden: numbers of hidden rows of the first."""
    shared, parts, names, links = [], {}, "", ""
    for at, (title, rows, *state) in enumerate(sheets, 1):
        body = ""
        for number, cells in enumerate(rows, 1):
            inner = "".join(cell(f"{chr(65 + c)}{number}", v, shared) for c, v in enumerate(cells) if v != "")
            hide = ' hidden="1"' if at == 1 and number in hidden else ""
            body += f'<row r="{number}"{hide}>{inner}</row>'
        spans = "".join(f'<mergeCell ref="{m}"/>' for m in merged) if at == 1 else ""
        spans = f"<mergeCells>{spans}</mergeCells>" if spans else ""
        parts[f"xl/worksheets/sheet{at}.xml"] = f'<worksheet xmlns="{MAIN}"><sheetData>{body}</sheetData>{spans}</worksheet>'
        hide = f' state="{state[0]}"' if state else ""
        names += f'<sheet name="{escaped(title)}" sheetId="{at}"{hide} r:id="rId{at}"/>'
        links += f'<Relationship Id="rId{at}" Type="{REL}/worksheet" Target="worksheets/sheet{at}.xml"/>'
    links += f'<Relationship Id="rS" Type="{REL}/styles" Target="styles.xml"/>'
    links += f'<Relationship Id="rT" Type="{REL}/sharedStrings" Target="sharedStrings.xml"/>'
    pr = '<workbookPr date1904="1"/>' if date1904 else ""
    parts["xl/workbook.xml"] = f'<workbook xmlns="{MAIN}" xmlns:r="{REL}">{pr}<sheets>{names}</sheets></workbook>'
    parts["xl/_rels/workbook.xml.rels"] = f'<Relationships xmlns="{PACKAGE}/relationships">{links}</Relationships>'
    texts = "".join(f'<si><t xml:space="preserve">{escaped(t)}</t></si>' for t in shared)
    parts["xl/sharedStrings.xml"] = f'<sst xmlns="{MAIN}" uniqueCount="{len(shared)}">{texts}</sst>'
    parts["xl/styles.xml"] = (
        f'<styleSheet xmlns="{MAIN}"><fonts><font/></fonts><fills><fill/></fills><borders><border/></borders>'
        '<cellStyleXfs><xf/></cellStyleXfs><cellXfs><xf numFmtId="0"/><xf numFmtId="22"/></cellXfs></styleSheet>'
    )
    parts["_rels/.rels"] = (
        f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="r1" Type="{REL}/officeDocument" '
        'Target="xl/workbook.xml"/></Relationships>'
    )
    parts["[Content_Types].xml"] = (
        f'<Types xmlns="{PACKAGE}/content-types"><Default Extension="xml" ContentType="application/xml"/>'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/></Types>'
    )
    return packed({name: '<?xml version="1.0" encoding="UTF-8"?>' + text for name, text in parts.items()})


def packed(parts):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            # A fixed time, so that the same script makes the same bytes.
            archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def serial(year, month, day, hour=0, minute=0):
    delta = datetime(year, month, day, hour, minute) - datetime(1899, 12, 30)
    return repr(delta.days + delta.seconds / 86400)


# ---- the files
def encodings():
    three = csv(good(3))
    put("utf8.csv", three, created=3)
    put("utf8-bom.csv", b"\xef\xbb\xbf" + three.encode(), created=3)
    put("gb18030.csv", csv([row(1, 姓名="𠮷某"), row(2, 姓名="䶮某"), row(3)]).encode("gb18030"), created=3,
        names={"A-1": "𠮷某", "A-2": "䶮某"})
    put("utf16-le.csv", b"\xff\xfe" + csv(good(3), sep="\t").encode("utf-16-le"), created=3)
    put("utf16-be.csv", b"\xfe\xff" + three.encode("utf-16-be"), created=3)
    put("utf16-no-mark.csv", csv([["1", "2026-11-01", AREA, "meal", "abc", "", ""]], head=[
        "external_id", "received_at", "area_code", "category", "elder_name", "phone", "note"]).encode("utf-16-le"),
        refused="UTF-16")
    damaged = csv(good(3)).encode().replace("林某2".encode(), "林".encode() + b"\xe6\x9d")
    put("damaged-utf8.csv", damaged, refused="第 3 行")
    english = "external_id,received_at,area_code,category,elder_name\n"
    put("damaged-one-name.csv", (english + f"1,2026-11-01,{AREA},meal,张三\n2,2026-11-01,{AREA},meal,").encode()
        + b"\xe6\x9d\n", refused="第 3 行")
    put("not-text.csv", b"\xff\xff\xff\x00\x00\xfe" * 9, refused="编码")
    put("mac-line-ends.csv", csv(good(3), end="\r"), created=3)
    put("dos-line-ends.csv", csv(good(3), end="\r\n"), created=3)
    put("no-last-line-end.csv", three.rstrip("\n"), created=3)


def separators():
    put("semicolons.csv", csv(good(3), sep=";"), created=3)
    put("tabs.txt", csv(good(3), sep="\t"), created=3)
    put("sep-line.csv", "sep=;\r\n" + csv(good(3), sep=";", end="\r\n"), created=3)
    put("sep-line-comma.csv", "sep=,\r\n" + csv([row(1), row(2, 编号="")], end="\r\n"), created=1, failed=1,
        errors=[[3, "external_id", "required"]])


def shapes():
    put("title-rows.csv", "某街道需求登记表\n制表：林某 2026年11月\n\n" + csv(good(2) + [row(3, 受理时间="昨天")]),
        created=2, failed=1, errors=[[7, "received_at", "time_format"]], above=2)
    put("title-with-mark.csv", '"某街道需求\n' + csv(good(3)), created=3, above=1)
    put("sums.csv", csv(good(3)) + "合计,3,,,,,\n", created=3, skipped=1, warnings=[[5, "", "sums"]])
    put("sums-short.csv", csv(good(3)) + "合计：3 条\n", created=3, skipped=1)
    put("sums-in-between.csv", csv(good(2)) + "小计,2,,,,,\n" + csv(good(2, 3), head=None), created=4, skipped=1)
    put("blank-lines.csv", csv(good(1)) + "\n,,,,,,\n" + csv(good(1, 2), head=None) + "\n\n", created=2, blank=4)
    put("merged-headings.csv", "编号,受理时间,区域编码,类别,姓名,联系方式,,备注\n,,,,,手机号码,家属电话,\n"
        + csv([row(1)[:6] + ["13900000000", "x"]], head=None), created=1, unused=["家属电话"],
        phones={"A-1": "19900000001"})
    put("merged-headings-unknown.csv", "编号,受理时间,区域编码,类别,姓名,联系电话,,备注\n,,,,,本人,家人,\n"
        + csv([row(1)[:6] + ["13900000000", "x"]], head=None), created=1, unused=["家人"], phones={"A-1": "19900000001"})
    put("trailing-commas.csv", csv([r + ["", ""] for r in good(2)], head=HEAD + ["", ""]), created=2)
    put("ragged.csv", csv(good(1)) + f"A-2,2026-11-01,{AREA}\n" + csv(good(1, 3), head=None), created=2, failed=1,
        errors=[[3, "", "column_count"]])
    put("too-wide-row.csv", csv(good(1) + [row(2) + ["多出的"]]), created=1, failed=1, errors=[[3, "", "column_count"]])
    put("decorated-headings.csv", csv(good(2), head=["*编号", " 受理时间 ", "区域编码（必填）", "类别*", "姓 名", "手机号", "备注(选填)"]),
        created=2, phones={"A-1": "19900000001"})
    put("other-headings.csv", csv([r + ["13900000000"] for r in good(2)], head=HEAD[:5] + ["联系方式", "诉求内容", "家属电话"]),
        created=2, unused=["家属电话"], phones={"A-2": "19900000002"})
    put("missing-column.csv", "编号,姓名\n1,林某\n", refused="受理时间")
    put("twice-a-column.csv", csv([r + ["x"] for r in good(2)], head=HEAD + ["name"]), refused="重复")
    put("empty.csv", "", refused="空")
    put("header-alone.csv", csv([]), created=0)
    put("no-table.csv", "今天天气很好\n", refused="缺少")


def quotes():
    rows = good(20)
    rows[3][6] = "OPEN"
    text = csv(rows).replace("OPEN", '"好')
    put("open-quote.csv", text, created=19, failed=1, errors=[[5, "", "quote_open"]])
    many = csv(good(300)).replace("A-4,", "A-4,", 1).split("\n")
    many[4] = many[4].replace("午饭", '"好')
    put("open-quote-300.csv", "\n".join(many), created=299, failed=1, errors=[[5, "", "quote_open"]])
    put("line-breaks-in-cells.csv", csv([row(1, 备注="软些\n热的\n少盐"), row(2), row(3, 姓名="")]), created=2, failed=1,
        errors=[[4, "elder_name", "required"]], notes={"A-1": "软些\n热的\n少盐"})
    put("quote-after-breaks.csv", csv([row(1, 备注="软些\n热的"), row(2, 备注="OPEN"), row(3)]).replace("OPEN", '"好'),
        created=2, failed=1, errors=[[3, "", "quote_open"]])
    put("two-stray-quotes.csv", csv([row(1), row(2, 备注="ONE"), row(3), row(4), row(5, 备注="TWO"), row(6)])
        .replace("ONE", '"好').replace("TWO", '好"'), created=5, failed=1, errors=[[3, "", "quote_open"]])
    put("quote-inside.csv", csv(good(2)).replace("午饭", '5" 屏', 1), created=2, notes={"A-1": '5" 屏'})


def dates():
    forms = ["2026.3.5", "2026年3月5日 14:30", "2026/3/5 下午2:30", "2026-03-05 14:30:00.0", "20260305",
             "2026-03-05 14：30", "2026-03-05 24:00", "2026/3/5 上午12:05", "2026年3月5日14时30分", "2026-3-5 2:30 PM"]
    right = ["2026-03-04T16:00:00Z", "2026-03-05T06:30:00Z", "2026-03-05T06:30:00Z", "2026-03-05T06:30:00Z",
             "2026-03-04T16:00:00Z", "2026-03-05T06:30:00Z", "2026-03-05T16:00:00Z", "2026-03-04T16:05:00Z",
             "2026-03-05T06:30:00Z", "2026-03-05T06:30:00Z"]
    put("date-forms.csv", csv([row(n, 受理时间=f) for n, f in enumerate(forms, 1)]), created=10,
        received={f"A-{n}": r for n, r in enumerate(right, 1)})
    put("date-serial.csv", csv([row(1, 受理时间="46086.6041666667"), row(2)]), created=2,
        warnings=[[2, "received_at", "time_serial"]], received={"A-1": "2026-03-05T06:30:00Z"})
    put("date-ambiguous.csv", csv([row(1, 受理时间="3/5/26 14:30"), row(2, 受理时间="05-03-2026"), row(3)]), created=1,
        failed=2, errors=[[2, "received_at", "time_ambiguous"], [3, "received_at", "time_ambiguous"]])
    put("date-out-of-range.csv", csv([row(1, 受理时间="2031-01-01"), row(2, 受理时间="1999-12-31"),
        row(3, 受理时间="2026-02-30"), row(4)]), created=1, failed=3,
        errors=[[2, "received_at", "time_out_of_range"], [3, "received_at", "time_out_of_range"], [4, "received_at", "time_format"]])


def fields():
    put("text-numbers.csv", csv([row(1, 电话='="13800138000"'), row(2, 电话="13800138000.0"), row(3, 区域编码=AREA + ".0"),
        row(4, 编号="'0012")]), created=4, phones={"A-1": "13800138000", "A-2": "13800138000", "0012": "19900000004"})
    put("rounded-ids.csv", csv([row(1, 编号="2.02611E+14"), row(2, 编号="202611230000001000"), row(3)]), created=1, failed=2,
        errors=[[2, "external_id", "id_rounded"], [3, "external_id", "id_rounded"]])
    put("rounded-area.csv", csv([row(1, 区域编码="3.30211E+11"), row(2)]), created=1, failed=1,
        errors=[[2, "area_code", "area_rounded"]])
    put("phones.csv", csv([row(1, 电话="1.38001E+10"), row(2, 电话="13800138000、13900139000"), row(3, 电话="无"),
        row(4, 电话="0574-86251234转803"), row(5, 电话="86251234")]), created=5,
        warnings=[[2, "phone", "phone_rounded"]], phones={"A-2": "13800138000", "A-3": None})
    put("invisible.csv", csv([row(1, 电话="\u202d13800138000\u202c"), row(2, 编号="\u200bA-1"), row(3, 编号="A-1\u200b"),
        row(4, 姓名="\u200b林某4")]), created=2, failed=2, phones={"A-1": "13800138000"}, names={"A-4": "林某4"},
        errors=[[3, "external_id", "duplicate_in_file"], [4, "external_id", "duplicate_in_file"]])
    put("rare-names.csv", csv([row(1, 姓名="王?"), row(2, 姓名="王\ue5c5"), row(3, 姓名="王\ufffd"), row(4, 姓名="㐀某")]),
        created=4, warnings=[[n, "elder_name", "name_doubtful"] for n in (2, 3, 4)], names={"A-4": "㐀某"})
    head = HEAD + ["紧急程度", "期望开始", "期望结束", "身份证号", "地址"]
    put("optional-fields.csv", csv([
        row(1) + ["快点", "", "", "", ""], row(2) + ["", "明天", "", "", ""], row(3) + ["", "2026-11-24 10:00", "2026-11-24 09:00", "", ""],
        row(4) + ["", "", "", "110105194912310021", ""], row(5) + ["", "", "", "", "路" * 300],
        row(6, 备注="好\x0b的") + ["紧急", "", "", "E12345678", ""]], head=head), created=6,
        warnings=[[2, "urgency", "urgency_unknown"], [3, "wanted_from", "time_format"], [4, "wanted_until", "ends_before_start"],
                  [5, "national_id", "national_id_check_digit"], [6, "address", "too_long"]],
        notes={"A-1": "午饭\n紧急程度：快点", "A-6": "好 的"})
    put("long-note.csv", csv([row(1, 备注="长" * 3000)]), created=1, warnings=[[2, "note", "too_long"]])
    put("formulas.csv", csv([row(1, 备注="=1+1"), row(2, 类别="=HYPERLINK(\"x\")"), row(3, 区域编码="@SUM(1)")]), created=2,
        failed=1, errors=[[4, "area_code", "area_unknown"]], neutral=True)
    put("unknown-areas.csv", csv([row(1, 区域编码="330299999999"), row(2, 区域编码="别处社区"), row(3)]), created=1, failed=2,
        errors=[[2, "area_code", "area_unknown"], [3, "area_code", "area_unknown"]], unknown_areas=["330299999999", "别处社区"])
    put("area-names.csv", csv([row(1, 区域编码="城东社区"), row(2)], head=["编号", "受理时间", "社区", "类别", "姓名", "电话", "备注"]),
        created=2)
    put("unknown-category.csv", csv([row(1, 类别="遛狗"), row(2)]), created=2, other=1, unknown_categories=["遛狗"])
    put("twice-an-id.csv", csv([row(1), row(1, 姓名="别人")]), created=1, failed=1,
        errors=[[3, "external_id", "duplicate_in_file"]], names={"A-1": "林某1"})
    head = HEAD + ["状态", "办结时间"]
    put("history.csv", csv([row(1) + ["已办结", "2026年11月3日 10:00"], row(2) + ["取消", ""], row(3) + ["处理中", ""],
        row(4) + ["", "2026-11-02"], row(5) + ["搁置", ""]], head=head), created=5, warnings=[[6, "state", "state_unknown"]],
        states={"A-1": "closed", "A-2": "cancelled", "A-3": "received", "A-4": "closed", "A-5": "received"})


def workbooks():
    plain = [HEAD] + good(3)
    put("plain.xlsx", workbook([("十一月", plain)]), created=3, sheet="十一月")
    numbers = [HEAD, [Number("1001"), Moment(serial(2026, 3, 5, 14, 30)), Number(AREA), "助餐", "林某", Number("13800138000"), ""],
               ["1002", Number(serial(2026, 3, 5, 14, 30)), AREA, "助餐", "林某", "", ""]]
    put("numbers-and-dates.xlsx", workbook([("a", numbers)]), created=2, phones={"1001": "13800138000"},
        received={"1001": "2026-03-05T06:30:00Z", "1002": "2026-03-05T06:30:00Z"}, warnings=[[3, "received_at", "time_serial"]])
    put("dates-1904.xlsx", workbook([("a", [HEAD, row(1, 受理时间=Moment(repr(float(serial(2026, 3, 5)) - 1462)))])], date1904=True),
        created=1, received={"A-1": "2026-03-04T16:00:00Z"})
    put("rounded.xlsx", workbook([("a", [HEAD, row(1, 编号=Number("202611230000001234")), row(2)])]), created=1, failed=1,
        errors=[[2, "external_id", "id_rounded"]])
    put("title-and-sums.xlsx", workbook([("a", [["某街道需求登记表"], HEAD] + good(2) + [["合计", Number("2")]])],
        merged=["A1:G1"]), created=2, skipped=1, above=1)
    put("merged-headings.xlsx", workbook([("a", [
        ["编号", "受理时间", "区域编码", "类别", "姓名", "联系方式", "", "备注"], ["", "", "", "", "", "手机号码", "家属", ""],
        row(1)[:6] + ["x", "好"]])], merged=["A1:A2", "F1:G1", "H1:H2"]), created=1, unused=["家属"], notes={"A-1": "好"})
    put("several-sheets.xlsx", workbook([("说明", []), ("十月", plain), ("九月", [["编号"], ["1"]])]), created=3, sheet="十月",
        sheets_left=1)
    put("hidden-rows.xlsx", workbook([("a", plain)], hidden=(3,)), created=3, hidden_rows=1)
    put("blank-rows.xlsx", workbook([("a", [HEAD, [], row(1), [], [], row(2, 姓名="")])]), created=1, failed=1, blank=3,
        errors=[[6, "elder_name", "required"]])
    put("formula-cells.xlsx", workbook([("a", [HEAD, row(1, 姓名=Formula("林某"))])]), created=1, names={"A-1": "林某"})
    put("macros.xlsx", packed({"xl/workbook.xml": "<workbook/>", "xl/vbaProject.bin": "x"}), refused="宏")
    put("old.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, refused=".xls")
    put("open-document.ods", packed({"mimetype": "application/vnd.oasis.opendocument.spreadsheet", "content.xml": "<x/>"}),
        refused=".ods")
    put("broken-off.xlsx", workbook([("a", plain)])[:700], refused="损坏")
    put("bomb.xlsx", packed({"xl/workbook.xml": "<workbook/>", "xl/worksheets/sheet1.xml": b" " * (170 * 1024 * 1024)}),
        refused="太大")


def main():
    shutil.rmtree(HERE, ignore_errors=True)
    os.makedirs(HERE)
    for part in (encodings, separators, shapes, quotes, dates, fields, workbooks):
        part()
    print(f"{NAME} files in {HERE}")


main()
