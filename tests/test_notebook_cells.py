"""What a cell needs of those before it, on a notebook of a few lines."""

from nbformat.v4 import new_code_cell, new_notebook

from tests.notebook_cells import needed

CELLS = [
    "import math",  # 0
    "a = math.pi",  # 1
    "unused = 2",  # 2
    "lines = []",  # 3
    "lines.append(a)",  # 4
    "a = 3",  # 5: the last value that the sentence sees
    "if a:\n    a = a + 1",  # 6: perhaps another one
    "print(a, lines)",  # 7
    "for k in range(3):\n    print(k)",  # 8
    "print([k * a for k in lines])",  # 9: a k of its own
]


def test_the_last_values_and_what_changed_them():
    notebook = new_notebook(cells=[new_code_cell(source) for source in CELLS])
    assert needed(notebook, [7]) == [0, 1, 3, 4, 5, 6, 7]
    assert needed(notebook, [4]) == [0, 1, 3, 4]
    assert needed(notebook, [5]) == [5]
    assert needed(notebook, [9]) == [0, 1, 3, 4, 5, 6, 9]
