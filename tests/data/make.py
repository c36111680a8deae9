"""Generates the committed test data with other systems.

    python -m venv venv && venv/bin/pip install -r tests/data/requirements.txt
    venv/bin/python tests/data/make.py

digits.npy         pre-activations of the hidden layer of a small network trained on scikit-learn's handwritten digits:
                   float32, 1797 x 32
digits_onnx.npy    np.clip(0.2*x + 0.5, 0, 1) of digits.npy, computed in float64 and rounded to float32
digits_pytorch.npy torch.nn.functional.hardsigmoid of digits.npy
golden.csv         results for single float32 values: system, alpha, beta, bits of x, bits of y
golden_16bit.csv   the same for the 16-bit types, with a column for the type
golden_backward.csv
                   gradients: system, type, alpha, beta, and the bits of x, of the gradient with respect to y and of the
                   gradient with respect to x. They are computed by PyTorch's automatic differentiation, of its own
                   function and of the function body in ONNX's schema (except at the edges, where the convention of the
                   latter differs), and with fractions at the edges.
"""

import math
import os
import pathlib
from fractions import Fraction

os.environ["KERAS_BACKEND"] = "torch"

import keras
import numpy as np
import onnx
import onnx.backend.test.case.node.hardsigmoid
import torch
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier

HERE = pathlib.Path(__file__).parent


def digits():
    images, labels = load_digits(return_X_y=True)
    images = images / 16.0
    network = MLPClassifier(hidden_layer_sizes=(32,), activation="logistic", max_iter=400, random_state=0)
    network.fit(images, labels)
    print(f"network: {network.score(images, labels):.4f} of the digits classified correctly")
    x = (images @ network.coefs_[0] + network.intercepts_[0]).astype(np.float32)
    np.save(HERE / "digits.npy", x)
    np.save(HERE / "digits_onnx.npy", np.clip(0.2 * x.astype(np.float64) + 0.5, 0, 1).astype(np.float32))
    np.save(HERE / "digits_pytorch.npy", torch.nn.functional.hardsigmoid(torch.from_numpy(x)).numpy())


def inputs():
    """The vector of the numpy seed, the edges of both presets with their neighbours, special values, and a sweep."""
    seed = np.array([-7, -2.5, -2.4, 0, 2.4, 2.5, 22], dtype=np.float32)
    near = []
    for edge in np.float32([-3, -2.5, 0, 2.5, 3]):
        for step in (-4, -3, -2, -1, 0, 1, 2, 3, 4):
            value = edge
            for _ in range(abs(step)):
                value = np.nextafter(value, np.float32(np.sign(step) * np.inf))
            near.append(value)
    bits = np.array(
        [0x7FC00000, 0xFFC00000, 0x7F800001, 0x7FC12345, 0x7F800000, 0xFF800000, 0x7F7FFFFF, 0xFF7FFFFF]
        + [0x00000001, 0x80000001, 0x007FFFFF, 0x807FFFFF, 0x00800000, 0x80000000],
        dtype=np.uint32,
    )
    return np.concatenate([seed, near, bits.view(np.float32), np.linspace(-4, 4, 161, dtype=np.float32)])


def reference_evaluator(x, **parameters):
    node = helper.make_node("HardSigmoid", ["x"], ["y"], **parameters)
    sides = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None]) for name in "xy"]
    graph = helper.make_graph([node], "hard_sigmoid", sides[:1], sides[1:])
    return ReferenceEvaluator(helper.make_model(graph)).run(None, {"x": x})[0]


def golden():
    x = inputs()
    t = torch.from_numpy(x)
    sixth = 1 / 6
    hardtanh = torch.nn.functional.hardtanh
    rows = [
        ("numpy seed", 0.2, 0.5, x, np.clip(0.2 * x.astype(np.float64) + 0.5, 0, 1)),
        ("numpy seed", sixth, 0.5, x, np.clip(x.astype(np.float64) / 6 + 1 / 2, 0, 1)),
        ("torch hardsigmoid", sixth, 0.5, x, torch.nn.functional.hardsigmoid(t).numpy()),
        ("torch hardtanh(x + 3 | 0 | 6) / 6", sixth, 0.5, x, (hardtanh(t + 3, 0.0, 6.0) / 6).numpy()),
        ("torch relu6(x + 3) / 6", sixth, 0.5, x, (torch.nn.functional.relu6(t + 3) / 6).numpy()),
        ("torch hardtanh(0.2 x + 0.5 | 0 | 1)", 0.2, 0.5, x, hardtanh(t * 0.2 + 0.5, 0.0, 1.0).numpy()),
        ("torch hardtanh(x / 6 + 0.5 | 0 | 1)", sixth, 0.5, x, hardtanh(t * sixth + 0.5, 0.0, 1.0).numpy()),
        ("onnx reference evaluator", 0.2, 0.5, x, reference_evaluator(x)),
        ("onnx reference evaluator", 0.5, 0.6, x, reference_evaluator(x, alpha=0.5, beta=0.6)),
        ("keras", sixth, 0.5, x, keras.activations.hard_sigmoid(t).numpy()),
    ]
    # onnx's own node tests. Their inputs are random, so the generator is seeded.
    from onnx.backend.test.case.node import collect_testcases

    np.random.seed(0)
    for case in collect_testcases("HardSigmoid"):
        nodes = case.model.graph.node
        attributes = {a.name: a.f for a in nodes[0].attribute} if len(nodes) == 1 else None
        if attributes is None:
            continue  # The same case, expanded to other operators.
        alpha, beta = (
            float(np.format_float_positional(np.float32(attributes.get(n, d))))
            for n, d in (("alpha", 0.2), ("beta", 0.5))
        )
        ((given,), (result,)) = case.data_sets[0]
        rows.append((case.name, alpha, beta, given.ravel(), result.ravel()))
    with open(HERE / "golden.csv", "w") as out:
        out.write("system,alpha,beta,x,y\n")
        for system, alpha, beta, xs, ys in rows:
            for a, b in zip(np.float32(xs).view(np.uint32), np.float32(ys).view(np.uint32)):
                out.write(f"{system},{alpha!r},{beta!r},{a:08x},{b:08x}\n")


TYPES = {
    "f64": (torch.float64, torch.int64),
    "f32": (torch.float32, torch.int32),
    "f16": (torch.float16, torch.int16),
    "bf16": (torch.bfloat16, torch.int16),
}


def bits(tensor, element):
    """The bit patterns in hexadecimal."""
    integers = tensor.detach().view(TYPES[element][1]).tolist()
    digits = 2 * tensor.element_size()
    return [f"{i & (16**digits - 1):0{digits}x}" for i in integers]


def narrow_inputs(element):
    """inputs() rounded to the type, and the edges with their neighbours in that type."""
    kind, integer = TYPES[element]
    edges = torch.tensor([-3, -2.5, 2.5, 3, 0.0], dtype=kind).view(integer)
    near = torch.cat([edges + step for step in range(-4, 5)]).view(kind)
    return torch.cat([torch.from_numpy(inputs()).to(kind), near])


def golden_16bit():
    with open(HERE / "golden_16bit.csv", "w") as out:
        out.write("system,element,alpha,beta,x,y\n")
        for element in ("f16", "bf16"):
            x = narrow_inputs(element)
            rows = [("torch hardsigmoid", 1 / 6, 0.5, torch.nn.functional.hardsigmoid(x))]
            wide = x.double()
            rows.append(("float64", 0.2, 0.5, torch.clamp(wide * 0.2 + 0.5, 0, 1).to(x.dtype)))
            if element == "f16":
                y = reference_evaluator(x.numpy(), alpha=0.2, beta=0.5)
                rows.append(("onnx reference evaluator", 0.2, 0.5, torch.from_numpy(y).to(x.dtype)))
            for system, alpha, beta, y in rows:
                for a, b in zip(bits(x, element), bits(y, element)):
                    out.write(f"{system},{element},{alpha!r},{beta!r},{a},{b}\n")


def function_body(x, alpha, beta):
    """Evaluates the function body of HardSigmoid in ONNX's schema with torch, which can differentiate it."""
    values, named = {"X": x}, {"alpha": alpha, "beta": beta}
    steps = {
        "Mul": torch.mul,
        "Add": torch.add,
        "Min": torch.minimum,
        "Max": torch.maximum,
        "CastLike": lambda a, b: a.to(b.dtype),
    }
    for node in onnx.defs.get_schema("HardSigmoid", 22, "").function_body.node:
        if node.op_type == "Constant":
            [attribute] = node.attribute
            given = named.get(attribute.ref_attr_name)
            value = onnx.numpy_helper.to_array(attribute.t).item() if given is None else given
            values[node.output[0]] = torch.tensor(value, dtype=torch.float64)
        else:
            values[node.output[0]] = steps[node.op_type](*(values[name] for name in node.input))
    return values["Y"]


def at_the_edges(element, alpha, beta):
    """Numbers around both edges, and their gradients for a grad_y of 1.

    The gradient is alpha where 0 < alpha x + beta < 1 in rational arithmetic, and 0 elsewhere: PyTorch's convention.
    """
    kind, integer = TYPES[element]
    a = Fraction(1, 5) if alpha == 0.2 else Fraction(alpha)
    b = Fraction(beta)
    edges = torch.tensor([float(-b / a), float((1 - b) / a)], dtype=kind).view(integer)
    x = torch.cat([edges + step for step in range(-4, 5)]).view(kind)
    x = torch.cat([x, torch.tensor([float("nan"), float("inf"), float("-inf"), 0.0], dtype=kind)])
    inside = [math.isfinite(v) and 0 < a * Fraction(v) + b < 1 for v in x.double().tolist()]
    return x, torch.tensor(inside) * torch.tensor(alpha, dtype=torch.float64).to(kind)


def golden_backward():
    with open(HERE / "golden_backward.csv", "w") as out:
        out.write("system,element,alpha,beta,x,grad_y,grad_x\n")

        def write(system, element, alpha, beta, x, function):
            x = x.detach().clone().requires_grad_()
            # Gradients of different magnitudes and both signs. Every ninth is 1.
            steps = torch.arange(len(x), dtype=torch.float64)
            grad_y = torch.where(steps % 9 == 0, 1.0, torch.sin(steps) * 2.0 ** (steps % 13 - 6)).to(x.dtype)
            function(x).backward(grad_y)
            for row in zip(bits(x, element), bits(grad_y, element), bits(x.grad, element)):
                out.write(f"{system},{element},{alpha!r},{beta!r},{','.join(row)}\n")

        for element in TYPES:
            x = torch.from_numpy(inputs()) if element == "f32" else narrow_inputs(element)
            write("torch hardsigmoid", element, 1 / 6, 0.5, x, torch.nn.functional.hardsigmoid)
        for alpha, beta in ((0.2, 0.5), (-0.2, 0.5), (0.5, 0.6), (0.5, 0.625), (3.0, -0.25), (0.01, 0.9)):
            # Not at the edges, where the function body passes on half of the gradient, or all of it.
            edges = [-beta / alpha, (1 - beta) / alpha]
            # A 16-bit type also rounds alpha and beta, so only those that it can represent are used.
            narrow = ("f16", "bf16") if (alpha, beta) in ((0.5, 0.625), (3.0, -0.25)) else ()
            for element in ("f32", "f64", *narrow):
                x = torch.linspace(min(edges) - 3, max(edges) + 3, 101, dtype=TYPES[element][0])
                away = 0.1 if narrow and element in narrow else 1e-3
                x = x[(x - edges[0]).abs().minimum((x - edges[1]).abs()) > away]
                write("onnx function body", element, alpha, beta, x, lambda x: function_body(x, alpha, beta))
        for alpha, beta in ((0.2, 0.5), (-0.2000000001, 0.5), (0.5, 0.625), (3.0, -0.25), (1.0, 0.3), (-0.7, 0.1)):
            for element in TYPES:
                x, grad_x = at_the_edges(element, alpha, beta)
                one = bits(torch.ones_like(x), element)
                for row in zip(bits(x, element), one, bits(grad_x.to(x.dtype), element)):
                    out.write(f"fractions,{element},{alpha!r},{beta!r},{','.join(row)}\n")


digits()
golden()
golden_16bit()
golden_backward()
print(f"keras {keras.__version__}, numpy {np.__version__}, onnx {onnx.__version__}, torch {torch.__version__}")
