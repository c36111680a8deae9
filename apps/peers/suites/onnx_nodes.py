"""ONNX's node tests of HardSigmoid, with ONNX's reference evaluator and onnxruntime, and all kinds of numbers."""

import numpy as np
import onnx
import onnxruntime
from judge import BFLOAT16, DTYPES, Function, numbers
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun

KINDS = dict(zip(DTYPES, (TensorProto.FLOAT16, TensorProto.BFLOAT16, TensorProto.FLOAT, TensorProto.DOUBLE)))
# The attributes' defaults, and those of hard swish.
COEFFICIENTS = [(float(np.float32(0.2)), 0.5), (float(np.float32(1 / 6)), 0.5)]


class HardSigmoid(OpRun):
    """The node, computed by the package."""

    op_domain = ""
    count = 0

    def _run(self, x, alpha=None, beta=None):
        HardSigmoid.count += 1
        defaults = {"alpha": 0.2, "beta": 0.5}
        given = {a.name: a.f for a in self.onnx_node.attribute}
        return (np.asarray(Function(**{**defaults, **given}).own(x)),)


def session(model):
    return onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


def nodes(tally):
    from onnx.backend.test.case.node import collect_testcases

    tally.version = f"{onnx.__version__}, onnxruntime {onnxruntime.__version__}"
    np.random.seed(0)
    cases = [case for case in collect_testcases("HardSigmoid") if case.name.startswith("test_hardsigmoid")]
    names = {case.name for case in cases}
    missing = {"test_hardsigmoid", "test_hardsigmoid_default", "test_hardsigmoid_example"} - names
    assert not missing, missing
    for case in cases:
        # Others are the same with the node expanded into Mul, Add and Clip.
        node = next((node for node in case.model.graph.node if node.op_type == "HardSigmoid"), None)
        if node is not None:
            attributes = {a.name: a.f for a in node.attribute}
            function = Function(attributes.get("alpha", 0.2), attributes.get("beta", 0.5))
        for (x,), (expected,) in case.data_sets:
            name = model_input(case.model)
            evaluated = ReferenceEvaluator(case.model).run(None, {name: x})[0]
            inferred = session(case.model).run(None, {name: x})[0]
            count = HardSigmoid.count
            own = ReferenceEvaluator(case.model, new_ops=[HardSigmoid]).run(None, {name: x})[0]
            if node is None:
                own = function.own(x)
            else:
                assert HardSigmoid.count == count + 1
            close = own.dtype == expected.dtype and np.allclose(own, expected, rtol=case.rtol, atol=case.atol)
            tally.expect(close, f"{case.name}: not within ONNX's tolerance of the expected output")
            for peer, theirs in (("expected", expected), ("evaluator", evaluated), ("onnxruntime", inferred)):
                tally.compare(f"{case.name}, {peer}", function, x, theirs, own)


def model_input(model):
    (value,) = model.graph.input
    return value.name


def one_node(dtype, alpha, beta):
    sides = [helper.make_tensor_value_info(name, KINDS[dtype], [None]) for name in "xy"]
    node = helper.make_node("HardSigmoid", ["x"], ["y"], alpha=alpha, beta=beta)
    graph = helper.make_graph([node], "hard_sigmoid", sides[:1], sides[1:])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)], ir_version=10)


def all_numbers(tally, run, dtypes):
    for dtype in dtypes:
        for alpha, beta in COEFFICIENTS:
            x, function = numbers(dtype), Function(alpha, beta, dtype)
            with np.errstate(all="ignore"):
                theirs = run(one_node(dtype, alpha, beta), x)
            tally.compare(f"{dtype}, {function.own}", function, x, theirs, function.own(x))


def evaluator_values(tally):
    tally.version = onnx.__version__
    all_numbers(tally, lambda model, x: ReferenceEvaluator(model).run(None, {"x": x})[0], DTYPES)


def onnxruntime_values(tally):
    tally.version = onnxruntime.__version__
    # It has no HardSigmoid for the others.
    there = [dtype for dtype in DTYPES if dtype != BFLOAT16 and dtype.itemsize < 8]
    all_numbers(tally, lambda model, x: session(model).run(None, {"x": x})[0], there)
    for dtype in set(DTYPES) - set(there):
        try:
            session(one_node(dtype, 0.2, 0.5))
        except Exception:
            continue
        tally.fail(f"onnxruntime now has a HardSigmoid for {dtype}: add it to the suite")
