"""A small network in the manner of MobileNetV3, whose HardSigmoid nodes are replaced by the package."""

import numpy as np
import onnxruntime
from judge import Function
from onnx import TensorProto, checker, helper, numpy_helper, shape_inference
from onnx.reference import ReferenceEvaluator
from onnx_nodes import HardSigmoid, session


class Builder:
    """Appends nodes to a graph. Each method returns the name of its output."""

    def __init__(self):
        self.nodes, self.weights, self.generator = [], [], np.random.default_rng(0)

    def add(self, kind, *inputs, **attributes):
        output = f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [output], **attributes))
        return output

    def weight(self, *shape):
        name = f"weight_{len(self.weights)}"
        spread = 2 / np.sqrt(np.prod(shape[1:]))
        values = (self.generator.normal(size=shape) * spread).astype(np.float32)
        self.weights.append(numpy_helper.from_array(values, name))
        return name

    def convolve(self, x, inputs, outputs, size=1, group=1, stride=1):
        weight = self.weight(outputs, inputs // group, size, size)
        return self.add("Conv", x, weight, group=group, strides=[stride] * 2, pads=[size // 2] * 4)

    def hard_swish(self, x):
        return self.add("Mul", x, self.add("HardSigmoid", x, alpha=1 / 6, beta=0.5))

    def squeeze(self, x, channels):
        """Scale each channel by a number between 0 and 1. Keras 2's networks take ONNX's slope."""
        mean = self.add("GlobalAveragePool", x)
        inner = self.add("Relu", self.convolve(mean, channels, channels // 4))
        return self.add("Mul", x, self.add("HardSigmoid", self.convolve(inner, channels // 4, channels), alpha=0.2))

    def block(self, x, channels, size):
        """An inverted residual block."""
        wide = self.hard_swish(self.convolve(x, channels, 4 * channels))
        deep = self.hard_swish(self.convolve(wide, 4 * channels, 4 * channels, size, group=4 * channels))
        return self.add("Add", x, self.convolve(self.squeeze(deep, 4 * channels), 4 * channels, channels))


def build():
    builder = Builder()
    x = builder.hard_swish(builder.convolve("x", 3, 16, 3, stride=2))
    for size in (3, 5, 5):
        x = builder.block(x, 16, size)
    x = builder.hard_swish(builder.convolve(x, 16, 64))
    x = builder.add("Flatten", builder.add("GlobalAveragePool", x))
    y = builder.add("MatMul", x, builder.weight(64, 10))
    sides = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [4, 3, 32, 32])]
    # The inputs and outputs of HardSigmoid are outputs as well.
    hard = [(node.input[0], node.output[0]) for node in builder.nodes if node.op_type == "HardSigmoid"]
    names = dict.fromkeys([y, *(name for pair in hard for name in pair)])
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names]
    graph = helper.make_graph(builder.nodes, "network", sides, outputs, builder.weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)], ir_version=10)
    model = shape_inference.infer_shapes(model)
    checker.check_model(model)
    return model, y, hard


def network(tally):
    tally.version = onnxruntime.__version__
    model, y, hard = build()
    x = np.random.default_rng(1).normal(size=(4, 3, 32, 32)).astype(np.float32)
    names = [output.name for output in model.graph.output]
    theirs = dict(zip(names, session(model).run(names, {"x": x})))
    attributes = {node.output[0]: {a.name: a.f for a in node.attribute} for node in model.graph.node}
    for before, after in hard:
        function = Function(attributes[after]["alpha"], attributes[after].get("beta", 0.5))
        between = (theirs[after] > 0) & (theirs[after] < 1)
        tally.expect(between.any(), f"{after}: no result between 0 and 1")
        tally.compare(after, function, theirs[before], theirs[after], function.own(theirs[before]))
    HardSigmoid.count = 0
    own = dict(zip(names, ReferenceEvaluator(model, new_ops=[HardSigmoid]).run(names, {"x": x})))
    tally.expect(HardSigmoid.count == len(hard) > 0, f"{HardSigmoid.count} nodes were replaced, not {len(hard)}")
    scale = abs(theirs[y]).max()
    # Sums of convolutions are in another order.
    error = abs(own[y] - theirs[y]).max() / scale
    tally.expect(error < 1e-5, f"outputs of the whole network differ by {error:.1e} of the largest")
    tally.expect(np.array_equal(own[y].argmax(1), theirs[y].argmax(1)), "another class is predicted")
