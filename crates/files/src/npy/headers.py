"""Writes crates/files/src/npy/headers.json: spellings of .npy headers, and what NumPy's reader makes of each.

Run with `python crates/files/src/npy/headers.py` after `pip install numpy`.
"""

import io
import itertools
import json
import pathlib
import random
import struct
import warnings

import numpy as np
from numpy.lib._format_impl import _read_array_header

warnings.simplefilter("ignore")
random.seed(1)

DTYPES = [
    order + code
    for order in ["", "<", ">", "=", "|", "!", "<<"]
    for code in [
        "e", "f", "d", "g", "f2", "f4", "f8", "f16", "f1", "f3", "half", "single", "double", "longdouble", "float",
    "float16", "float32", "float64", "float_", "Float32", "F4", "c8", "i4", "u2", "b1", "?", "V1", "V2", "V4", "S5",
        "U5", "O", "M8[s]", "m8[s]", "void16", "void", "bfloat16",
        "f4 ", "f 4", "f04", "f+4", "f-4", "V02", "f2f", "f4,", "",
    ]
]  # fmt: skip
STRINGS = [
    "'{}'", '"{}"', "u'{}'", "U'{}'", "r'{}'", "R\"{}\"", "'''{}'''", '"""{}"""', "b'{}'", "f'{}'", "ur'{}'", "'{}",
    "'' '{}'", "'{}' u''", "('{}')", "(('{}'))", "'{}'\n''", "'\\\n{}'", "'{}\n'", "'''{}\n'''", "rb'{}'", "{}",
]  # fmt: skip
ESCAPES = [
    # A name in braces, as in "\\N{SPACE}", is left out: it takes a table of all characters.
    r"'\x3cf4'", r"'\74f4'", r"'\u003cf4'", r"'\U0000003cf4'", r"'<\x664'", r"r'\x3cf4'", r"'\<f4'", r"'<f4\''",
    r"'\x3'", r"'\x+3f4'", r"'\ud83df4'", r"'<f4\\'", "'<f4\\\n'", "'<f4\\\r\n'",
]  # fmt: skip
SHAPES = [
    "()", "(6,)", "(2, 3)", "(2,3,)", "(2L, 3L)", "(2L,3)", "(2 L, 3)", "(2l, 3)", "[2, 3]", "(6)", "6", "6,",
    "(06,)",
    "(00,)", "(0x6,)", "(0X6,)", "(0o6,)", "(0b110,)", "(0b1_10,)", "(0x_6,)", "(1_0,)", "(1__0,)", "(_6,)", "(6_,)",
    "(+6,)", "(-6,)", "(-0,)", "(--6,)", "(+ 6,)", "(6.0,)", "(6., )", "(6e0,)", "(6j,)", "(True, 2)", "(None,)",
    "('6',)", "(2, (3))", "(2, (3,))", "((2, 3))", "((2, 3),)", "(2 3)", "(2,,3)", "(,)", "(2, 3", "2, 3)", "(2\n,3)",
    "(2,# two\n3)", "(2,\\\n3)", "(2,\\ \n3)", "(0, 18446744073709551616)", "(18446744073709551616,)", "(2*3,)",
    "(2, 3)()", "{2, 3}", "(*(2, 3),)", "(0x6L,)", "(6Lx,)", "(6L L,)", "(0xL,)", "tuple()", "(len('a'),)",
    "(6 if 1 else 2,)",
]  # fmt: skip
ORDERS = ["False", "True", "0", "1", "None", "false", "(False)", "'False'", "not True", "Falsey", "False or True"]
DICTIONARIES = [
    "{{'descr': {d}, 'fortran_order': {o}, 'shape': {s}, }}", "{{'shape': {s}, 'fortran_order': {o}, 'descr': {d}}}",
    "{{'descr':{d},'fortran_order':{o},'shape':{s}}}",
    "{{\n 'descr': {d},\n 'fortran_order': {o},\n 'shape': {s}\n}}",
    "{{'descr': {d}, \r\n'fortran_order': {o}, \r\n'shape': {s}}}",
    "{{'descr': {d}, 'fortran_order': {o}, 'shape': {s}, ,}}",
    "{{'descr': {d}, 'fortran_order': {o}, 'shape': {s}, 'extra': 1}}", "{{'descr': {d}, 'fortran_order': {o}}}",
    "{{'descr': {d}, 'fortran_order': {o}, 'shape': {s}, 'shape': {s}}}",
    "{{'shape': 1, 'descr': {d}, 'fortran_order': {o}, 'shape': {s}}}",
    "{{u'descr': {d}, r'fortran_order': {o}, 'sha' 'pe': {s}}}",
    "{{b'descr': {d}, 'fortran_order': {o}, 'shape': {s}}}",
    "{{descr: {d}, 'fortran_order': {o}, 'shape': {s}}}", "{{'descr' {d}, 'fortran_order': {o}, 'shape': {s}}}",
    "{{'descr': {d} 'fortran_order': {o}, 'shape': {s}}}", "{{'DESCR': {d}, 'fortran_order': {o}, 'shape': {s}}}",
    "({{'descr': {d}, 'fortran_order': {o}, 'shape': {s}}})",
    "((\n{{'descr': {d}, 'fortran_order': {o}, 'shape': {s}}} ) )",
    "({{'descr': {d}, 'fortran_order': {o}, 'shape': {s}}},)",
    "[{{'descr': {d}, 'fortran_order': {o}, 'shape': {s}}}]",
    "dict(descr={d}, fortran_order={o}, shape={s})", "{{'descr': {d}, 'fortran_order': {o}, 'shape': {s}", "",
    "{{}}", "()", "{{,}}",
    "{{# a comment, with }}\n'descr': {d}, # 'shape': 1\r'fortran_order': {o}, 'shape': {s}}}",
    "{{\t'descr'\t:\x0c{d}\t,'fortran_order':\\\n{o}, 'shape': {s}}}",
    "{{'descr': {d}, 'fortran_order': {o}, 'shape': {s}}}\xa0",
    "{{'descr': {d}, \xa0'fortran_order': {o}, 'shape': {s}}}",
    "{{'descr': {d}, \x0b'fortran_order': {o}, 'shape': {s}}}",
    "{{'descr': {d}, 'fortran_order': {o}, 'shape': {s} # \xe9\n}}",
    "{{'descr': {d}, \0'fortran_order': {o}, 'shape': {s}}}",
]  # fmt: skip
BEFORE = [
    "", " ", "\t ", "\n", "\r\n", "\n ", "# a comment\n", " # a comment\n\n", "\n  # a comment\n", "\x0c", " \x0c",
    "\n\x0c ", "\xa0", ";", "\\\n",
]  # fmt: skip
AFTER = [
    "\n", "", " ", "   \n", "\r\n", "\r", "\n\n", "\n   \n", "\n   ", " # a comment", " # a comment\n",
    "\n# a comment\n",
    "\n  # a comment\n", "\n  # a comment", "\n\x0c", "\n \x0c\n", ";", " 1", "\n1", "}", ",", "\x0c\n", "\x00",
    "\\\n", "\n\\\n", " \\", "\n {}",
]  # fmt: skip
PLAIN = {"d": "'<f4'", "o": "False", "s": "(2, 3)"}
STRUCTURED = [
    "[('a', '<f4')]", "[('a', '<f4'), ('b', '<f4', (2,))]", "('<f4', (2,))", "[]", "['a']", "[('a', 'x')]", "1",
    "True",
    "[(('title', 'a'), '<f4')]", "{'names': ['a']}", "('<f4',)", "((((('<f4')))))", "[[[('a', '<f4')]]]",
]  # fmt: skip


def spellings():
    for d in DTYPES:
        yield {"d": repr(d)}
    for text, d in itertools.product(STRINGS, ["<f4", ">f8", "float16"]):
        yield {"d": text.replace("{}", d)}
    for name in ("d", "s", "o"):
        for value in {"d": ESCAPES + STRUCTURED, "s": SHAPES, "o": ORDERS}[name]:
            yield {name: value}
    for dictionary in DICTIONARIES:
        yield {"dictionary": dictionary}
    for before, after in itertools.product(BEFORE, AFTER):
        yield {"before": before, "after": after}
    for depth in [90, 100, 150, 195, 196, 197, 198, 199, 200, 201, 250]:
        yield {"s": "(" * depth + "(2, 3)" + ")" * depth}
        yield {"dictionary": "(" * depth + DICTIONARIES[0] + ")" * depth}
    # Combinations, most of which are valid.
    for _ in range(600):
        yield {
    "d": random.choice(STRINGS[:8]).replace("{}", random.choice(["<f4", "=f2", ">f8", "|f4", "float32", "d"])),
            "s": random.choice(SHAPES[:5] + SHAPES[11:18]),
            "o": random.choice(ORDERS[:2]),
            "dictionary": random.choice(DICTIONARIES[:5] + DICTIONARIES[16:18]),
            "before": random.choice(BEFORE[:5]),
            "after": random.choice(AFTER[:10]),
        }


def expected(version, header):
    """What NumPy reads, or None if it refuses the header. The dtype is None if the command does not compute it."""
    length = struct.pack("<H" if version == 1 else "<I", len(header))
    file = b"\x93NUMPY" + bytes([version, 0]) + length + header
    try:
        shape, fortran_order, dtype = _read_array_header(io.BytesIO(file[8:]), (version, 0))
        if not dtype.hasobject:
            np.lib.format.read_array(io.BytesIO(file + bytes(1000)))
    except Exception:
        return None
    name = None
    if dtype.kind == "f" and dtype.itemsize in (2, 4, 8):
        name = dtype.str
    elif dtype.kind == "V" and dtype.names is None and dtype.subdtype is None and dtype.itemsize:
        name = f"V{dtype.itemsize}"
    return {"dtype": name, "fortran_order": fortran_order, "shape": shape}


cases = []
for spelling in spellings():
    parts = PLAIN | spelling
    dictionary = parts.get("dictionary", DICTIONARIES[0]).format(d=parts["d"], o=parts["o"], s=parts["s"])
    text = parts.get("before", "") + dictionary + parts.get("after", "\n")
    for version, encoding in [(1, "latin1"), (3, "utf8")]:
        cases.append([version, text, expected(version, text.encode(encoding))])
path = pathlib.Path(__file__).with_name("headers.json")
lines = ",\n".join(json.dumps(case) for case in cases)
path.write_text(f'{{"numpy": "{np.__version__}", "cases": [\n{lines}\n]}}\n')
print(len(cases), "cases, of which NumPy reads", sum(case[2] is not None for case in cases))
