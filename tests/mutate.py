"""Mutants of a cell: its own methods with one thing wrong, from the source text.

`mutants(cell)` gives (what is wrong, a subclass that does it so) for each way in `WAYS`; test_mutations.py says which of
them a cell's oracle check may miss.
"""

import ast
import copy
import inspect
import itertools
import textwrap

from zoo.cells.base import RecurrentCell

METHODS = ("project", "products", "step", "output", "taps", "antisymmetric_kernel")
NOT_VALUES = {"self", "recur", "super", "ops", "zip", "dict", "tuple", "list", "len", "range", "getattr", "listed", "map"}
ACTIVATIONS = {"σ", "tanh", "activation", "recurrent_activation", "output_activation", "sigmoid"}


# ------------------------------------------------------------------ the ways to be wrong
# Each takes a function's tree and yields (what is wrong, a changed copy); `edit` copies the tree and changes one node of it.
def edit(tree, node, replacement):
    """A copy of the tree with one node replaced."""
    path = next(k for k, each in enumerate(ast.walk(tree)) if each is node)
    changed = copy.deepcopy(tree)
    target = list(ast.walk(changed))[path]

    class Replace(ast.NodeTransformer):
        def visit(self, each):
            return copy.deepcopy(replacement) if each is target else self.generic_visit(each)

    return Replace().visit(changed)


def loaded(node):
    """The names read in a statement, in order."""
    names = [n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)]
    return sorted(set(names) - NOT_VALUES)


def statements(tree):
    return [node for node in ast.walk(tree) if isinstance(node, (ast.Assign, ast.AugAssign, ast.Return, ast.For))]


def two_names_exchanged(tree):
    """In one statement, two gates (or states, or activations) are taken for each other."""
    for statement in statements(tree):
        if isinstance(statement, ast.For):
            continue
        for a, b in itertools.combinations(loaded(statement), 2):
            class Exchange(ast.NodeTransformer):
                def visit_Name(self, node, a=a, b=b):
                    other = {a: b, b: a}.get(node.id) if isinstance(node.ctx, ast.Load) else None
                    return ast.copy_location(ast.Name(other, node.ctx), node) if other else node

            yield f"{a} ↔ {b} in {ast.unparse(statement)}", edit(tree, statement, Exchange().visit(copy.deepcopy(statement)))


def targets(statement):
    if not isinstance(statement, ast.Assign):
        return set()
    return {n.id for target in statement.targets for n in ast.walk(target) if isinstance(n, ast.Name)}


def the_old_value_for_the_new(tree):
    """A statement behind `c = ...` reads what c was before."""
    body = tree.body[0].body
    for position, statement in enumerate(body):
        for name in sorted(targets(statement) & {n for s in body[:position] for n in targets(s)}):
            for later in body[position + 1 :]:
                if name in loaded(later):
                    wrong = copy.deepcopy(later)
                    for node in ast.walk(wrong):
                        if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load):
                            node.id = f"{name}_before"
                    changed = edit(tree, later, wrong)
                    changed.body[0].body.insert(position, ast.parse(f"{name}_before = {name}").body[0])
                    yield f"old {name} in {ast.unparse(later)}", changed
                if name in targets(later):
                    break


def the_new_value_for_the_old(tree):
    """Two statements in the other order, so that the first reads what the second has already changed."""
    body = tree.body[0].body
    for position, (first, second) in enumerate(itertools.pairwise(body)):
        changes = targets(second) & set(loaded(first))
        if changes and not targets(first) & set(loaded(second)):
            changed = copy.deepcopy(tree)
            lines = changed.body[0].body
            lines[position], lines[position + 1] = lines[position + 1], lines[position]
            yield f"new {', '.join(sorted(changes))} in {ast.unparse(first)}", changed


def a_term_or_factor_dropped(tree):
    """a + b, a − b, a · b, a / b without one of the two: a bias, a product with a weight, a gate."""
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp):
            for side in ("left", "right"):
                yield f"only the {side} of {ast.unparse(node)}", edit(tree, node, getattr(node, side))


def an_activation_dropped(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", None)) in ACTIVATIONS:
            yield f"without {ast.unparse(node.func)} in {ast.unparse(node)}", edit(tree, node, node.args[0])


def a_gate_with_the_matrix_of_another(tree):
    """recur("z", ...) for recur("r", ...)."""
    calls = [n for n in ast.walk(tree) if isinstance(n, ast.Call) and getattr(n.func, "id", None) == "recur"]
    names = sorted({c.args[0].value for c in calls if isinstance(c.args[0], ast.Constant)})
    for call in calls:
        if isinstance(call.args[0], ast.Constant):
            for other in names:
                if other != call.args[0].value:
                    wrong = copy.deepcopy(call)
                    wrong.args[0] = ast.Constant(other)
                    yield f"the matrix of {other} in {ast.unparse(call)}", edit(tree, call, wrong)


def what_the_input_gives_dropped(tree):
    """recur("z", h, z) without W x + b, which is added there."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", None) == "recur":
            for k, added in enumerate(node.args[2:], start=2):
                wrong = copy.deepcopy(node)
                nothing = "[0.0 * a for a in {}]" if isinstance(added, ast.Starred) else "0.0 * {}"
                inner = added.value if isinstance(added, ast.Starred) else added
                value = ast.parse(nothing.format(f"({ast.unparse(inner)})"), mode="eval").body
                wrong.args[k] = ast.Starred(value, ast.Load()) if isinstance(added, ast.Starred) else value
                yield f"without {ast.unparse(added)} in {ast.unparse(node)}", edit(tree, node, wrong)


WAYS = (two_names_exchanged, the_old_value_for_the_new, the_new_value_for_the_old, a_term_or_factor_dropped,
        an_activation_dropped, a_gate_with_the_matrix_of_another, what_the_input_gives_dropped)


# ------------------------------------------------------------------ from trees to classes
def compiled(tree, owner, name):
    """The function of a tree, in its owner's module; `super()` in it means the owner's."""
    outer = ast.parse("def make(__class__):\n    pass\n    return None")
    outer.body[0].body[0] = tree.body[0]
    outer.body[0].body[1].value = ast.Name(name, ast.Load())
    space = dict(vars(inspect.getmodule(owner)))
    exec(compile(ast.fix_missing_locations(outer), f"<mutant of {owner.__name__}.{name}>", "exec"), space)
    return space["make"](owner)


def without_bias(cls, gate, position):
    def biases(self):
        values = RecurrentCell.biases(self)
        values[position] = 0.0 * values[position]
        return values

    return f"without the bias of {gate}", type(cls.__name__, (cls,), {"biases": biases})


def mutants(cell):
    """(what is wrong, subclass of the cell's class) for everything that its own methods can have wrong in one place."""
    cls = type(cell)
    if hasattr(cell, "bias"):
        yield from (without_bias(cls, gate, k) for k, gate in enumerate(cell.gates))
    for name in METHODS:
        owner = next((c for c in cls.__mro__ if name in vars(c)), None)
        if owner in (None, RecurrentCell):
            continue
        is_property = isinstance(vars(owner)[name], property)
        tree = ast.parse(textwrap.dedent(inspect.getsource(vars(owner)[name].fget if is_property else vars(owner)[name])))
        tree.body[0].decorator_list = []
        seen = {ast.unparse(tree)}
        for way in WAYS:
            for what, changed in way(tree):
                if ast.unparse(changed) in seen:
                    continue
                seen.add(ast.unparse(changed))
                function = compiled(changed, owner, name)
                yield f"{name}: {what}", type(cls.__name__, (cls,), {name: property(function) if is_property else function})
