"""Operations and models on which second derivatives are compared with central differences in float64."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Function = Callable[[dict[str, Tensor]], Tensor]


@dataclass(frozen=True)
class Operation:
    """A scalar function of named tensors, all of which are differentiated."""

    function: Function
    parameters: Callable[[], dict[str, Tensor]]


def drawn(**shapes: tuple[int, ...]) -> Callable[[], dict[str, Tensor]]:
    def draw() -> dict[str, Tensor]:
        generator = torch.Generator().manual_seed(7)
        return {name: torch.randn(shape, generator=generator, dtype=torch.float64) for name, shape in shapes.items()}

    return draw


def positive(draw: Callable[[], dict[str, Tensor]], *names: str) -> Callable[[], dict[str, Tensor]]:
    return lambda: {name: value.abs() + 0.3 if name in names else value for name, value in draw().items()}


def mixed(value: Tensor) -> Tensor:
    """A scalar whose derivatives in every entry differ, so that no error cancels."""
    weights = torch.linspace(0.3, 1.7, value.numel(), dtype=value.dtype, device=value.device).reshape(value.shape)
    return (weights * (value + 0.3 * value.square())).sum()


def of(function: Callable[..., Tensor], **shapes: tuple[int, ...]) -> Operation:
    return Operation(lambda p: mixed(function(*p.values())), drawn(**shapes))


def ints(high: int, *shape: int) -> Tensor:
    return torch.randint(high, shape, generator=torch.Generator().manual_seed(3))


def soft(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(4), dtype=torch.float64).softmax(1)


def plain_layer_norm(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
    centred = x - x.mean(-1, keepdim=True)
    return w * centred / (centred.square().mean(-1, keepdim=True) + 1e-5).sqrt() + b


def attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return (q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5).softmax(-1) @ v


def cell(kind: type[nn.RNNBase], layers: int = 1) -> Operation:
    torch.manual_seed(5)
    module = kind(3, 4, num_layers=layers, batch_first=True).double()
    shapes = {name: tuple(parameter.shape) for name, parameter in module.named_parameters()}
    return Operation(
        lambda p: mixed(
            torch.func.functional_call(module, {name: value for name, value in p.items() if name != "x"}, (p["x"],))[0]
        ),
        drawn(x=(2, 3, 3), **shapes),
    )


FIXED = torch.linspace(-1, 2, 12, dtype=torch.float64).reshape(4, 3)
IMAGE = torch.linspace(-1, 1, 9, dtype=torch.float64).reshape(1, 1, 3, 3) ** 2
SPD = torch.eye(3, dtype=torch.float64)
BATCH = (4, 3, 2, 2)
RIGHT: dict[str, Operation] = {
    "layer_norm": of(lambda x, w, b: F.layer_norm(x, (3,), w, b), x=(4, 3), w=(3,), b=(3,)),
    "layer_norm of two dimensions": of(lambda x, w, b: F.layer_norm(x, (2, 3), w, b), x=(4, 2, 3), w=(2, 3), b=(2, 3)),
    "layer_norm of a vector": of(lambda x, w, b: F.layer_norm(x, (5,), w, b, eps=0.1), x=(5,), w=(5,), b=(5,)),
    "layer_norm of scale alone": of(lambda x, w: F.layer_norm(x, (3,), w), x=(4, 3), w=(3,)),
    "layer_norm of constants": of(lambda w, b: F.layer_norm(FIXED, (3,), w, b).sin(), w=(3,), b=(3,)),
    "layer_norm with fixed scale": of(lambda x: F.layer_norm(x, (3,), FIXED[0], FIXED[1]), x=(4, 3)),
    "instance_norm": of(lambda x, w, b: F.instance_norm(x, None, None, w, b), x=(2, 3, 4), w=(3,), b=(3,)),
    "batch_norm of the batch": of(lambda x, w, b: F.batch_norm(x, None, None, w, b, training=True), x=(5, 3), w=(3,), b=(3,)),
    "batch_norm in eval": of(
        lambda x, w, b: F.batch_norm(x, torch.zeros(3).double(), torch.ones(3).double(), w, b), x=(5, 3), w=(3,), b=(3,)
    ),
    "rms_norm": of(lambda x, w: F.rms_norm(x, (3,), w), x=(4, 3), w=(3,)),
    "group_norm": of(lambda x, w, b: F.group_norm(x, 2, w, b), x=(2, 4, 3), w=(4,), b=(4,)),
    "layer_norm by hand": of(plain_layer_norm, x=(4, 3), w=(3,), b=(3,)),
    "weight_norm": of(lambda v, g: torch._weight_norm(v, g, 0).sin(), v=(3, 4), g=(3, 1)),
    "weight_norm of columns": of(lambda v, g: torch._weight_norm(v, g, 1).sin(), v=(3, 4), g=(1, 4)),
    "weight_norm of the whole": of(lambda v, g: torch._weight_norm(v, g, -1).sin(), v=(3, 4), g=()),
    "weight_norm of kernels": of(
        lambda v, g: F.conv1d(FIXED[None, :3], torch._weight_norm(v, g, 0)).sin(), v=(2, 3, 2), g=(2, 1, 1)
    ),
    "a scalar parameter": of(lambda s, x: x * s.exp(), s=(), x=(3,)),
    "a parameter without entries": of(lambda e, x: x.sin() + e.sum(), e=(0, 2), x=(3,)),
    "local_response_norm": of(lambda x: F.local_response_norm(x, 3), x=(2, 4, 3)),
    "normalize": of(lambda x: F.normalize(x, dim=1), x=(4, 3)),
    "mse_loss": of(lambda x, y: F.mse_loss(x.sin(), y), x=(4, 3), y=(4, 3)),
    "huber_loss": of(lambda x, y: F.huber_loss(2 * x.sin(), y), x=(4, 3), y=(4, 3)),
    "smooth_l1_loss": of(lambda x, y: F.smooth_l1_loss(2 * x.sin(), y), x=(4, 3), y=(4, 3)),
    "gaussian_nll_loss": Operation(
        lambda p: F.gaussian_nll_loss(p["x"].sin(), p["y"], p["v"].exp()), drawn(x=(4, 3), y=(4, 3), v=(4, 3))
    ),
    "poisson_nll_loss": of(lambda x: F.poisson_nll_loss(x.sin(), ints(5, 4, 3).double()), x=(4, 3)),
    "cross_entropy": of(lambda x: F.cross_entropy(x.sin(), ints(3, 4)), x=(4, 3)),
    "cross_entropy smoothed": of(lambda x: F.cross_entropy(x.sin(), ints(3, 4), label_smoothing=0.1), x=(4, 3)),
    "cross_entropy soft": of(lambda x: F.cross_entropy(x.sin(), soft(4, 3)), x=(4, 3)),
    "nll of log_softmax": of(lambda x: F.nll_loss(x.sin().log_softmax(1), ints(3, 4)), x=(4, 3)),
    "binary_cross_entropy": of(lambda x: F.binary_cross_entropy(x.sigmoid(), soft(4, 3)), x=(4, 3)),
    "binary_cross_entropy_with_logits": of(lambda x: F.binary_cross_entropy_with_logits(x, soft(4, 3)), x=(4, 3)),
    "kl_div": of(lambda x: F.kl_div(x.log_softmax(1), soft(4, 3), reduction="batchmean"), x=(4, 3)),
    "cosine_similarity": of(F.cosine_similarity, x=(4, 3), y=(4, 3)),
    "triplet_margin_loss": of(lambda a, p, n: F.triplet_margin_loss(a, p, n, margin=5.0), a=(4, 3), p=(4, 3), n=(4, 3)),
    "linear": of(F.linear, x=(4, 3), w=(2, 3), b=(2,)),
    "bilinear": of(F.bilinear, x=(4, 3), y=(4, 2), w=(2, 3, 2), b=(2,)),
    "conv1d": of(F.conv1d, x=(2, 2, 5), w=(3, 2, 3), b=(3,)),
    "conv2d": of(lambda x, w, b: F.conv2d(x, w, b, padding=1, stride=2), x=(2, 2, 4, 4), w=(2, 2, 3, 3), b=(2,)),
    "conv2d without bias": of(F.conv2d, x=(2, 2, 4, 4), w=(2, 2, 3, 3)),
    "conv2d of one image": of(F.conv2d, x=(2, 4, 4), w=(2, 2, 3, 3)),
    "conv2d padded by name": of(lambda x, w, b: F.conv2d(x, w, b, padding="same"), x=(1, 2, 3, 3), w=(2, 2, 3, 3), b=(2,)),
    "conv2d of a constant": of(lambda w, b: F.conv2d(IMAGE, w, b).sin(), w=(2, 1, 2, 2), b=(2,)),
    "conv2d by a constant": of(lambda x: F.conv2d(x, IMAGE, None, 2).sin(), x=(2, 1, 6, 6)),
    "conv2d shifted alone": of(lambda b: F.conv2d(IMAGE, IMAGE, b, padding=1).sin(), b=(1,)),
    "conv2d twice": of(
        lambda x, w, u: F.conv2d(F.conv2d(x, w, padding=1).tanh(), u, stride=2), x=(1, 1, 4, 4), w=(2, 1, 3, 3), u=(1, 2, 2, 2)
    ),
    "conv3d": of(
        lambda x, w, b: F.conv3d(x, w, b, stride=(2, 1, 1), padding=(1, 0, 1)), x=(1, 1, 3, 3, 2), w=(2, 1, 2, 2, 2), b=(2,)
    ),
    "conv2d grouped": of(lambda x, w: F.conv2d(x, w, groups=2, dilation=2), x=(1, 2, 5, 5), w=(2, 1, 2, 2)),
    "conv_transpose2d": of(F.conv_transpose2d, x=(1, 2, 3, 3), w=(2, 2, 2, 2), b=(2,)),
    "max_pool2d": of(lambda x: F.max_pool2d(x, 2).sin(), x=(1, 2, 4, 4)),
    "avg_pool2d": of(lambda x: F.avg_pool2d(x, 2).sin(), x=(1, 2, 4, 4)),
    "adaptive_avg_pool2d": of(lambda x: F.adaptive_avg_pool2d(x, 2).sin(), x=(1, 2, 4, 4)),
    "adaptive_max_pool2d": of(lambda x: F.adaptive_max_pool2d(x, 2).sin(), x=(1, 2, 4, 4)),
    "lp_pool2d": of(lambda x: F.lp_pool2d(x.square() + 1, 2, 2), x=(1, 2, 4, 4)),
    "embedding": of(lambda w: F.embedding(ints(4, 6), w).sin(), w=(4, 3)),
    "grid_sample": of(lambda x, g: F.grid_sample(x, g.tanh(), align_corners=False), x=(1, 1, 3, 3), g=(1, 2, 2, 2)),
    "interpolate": of(lambda x: F.interpolate(x, scale_factor=2, mode="bilinear").sin(), x=(1, 1, 3, 3)),
    "pad": of(lambda x: F.pad(x, (1, 1), mode="reflect").sin(), x=(2, 4)),
    "pixel_shuffle": of(lambda x: F.pixel_shuffle(x, 2).sin(), x=(1, 4, 2, 2)),
    "gelu": of(F.gelu, x=(5,)),
    "gelu tanh": of(lambda x: F.gelu(x, approximate="tanh"), x=(5,)),
    "silu": of(F.silu, x=(5,)),
    "mish": of(F.mish, x=(5,)),
    "softplus": of(F.softplus, x=(5,)),
    "elu": of(lambda x: F.elu(x.sin()), x=(5,)),
    "selu": of(lambda x: F.selu(x.sin()), x=(5,)),
    "celu": of(lambda x: F.celu(x.sin()), x=(5,)),
    "leaky_relu": of(lambda x: F.leaky_relu(x.sin()), x=(5,)),
    "prelu": of(F.prelu, x=(4, 3), w=(3,)),
    "relu": of(lambda x: F.relu(x.sin()), x=(5,)),
    "relu6": of(lambda x: F.relu6(3 * x), x=(5,)),
    "hardswish": of(F.hardswish, x=(5,)),
    "hardtanh": of(lambda x: F.hardtanh(x).sin(), x=(5,)),
    "logsigmoid": of(F.logsigmoid, x=(5,)),
    "tanh": of(torch.tanh, x=(5,)),
    "tanh as a method": of(lambda x: x.tanh() + F.tanh(2 * x).sin(), x=(5,)),
    "sigmoid in many ways": of(lambda x: x.sigmoid() + F.sigmoid(2 * x) + torch.relu(x) ** 2 + F.relu(x).sin(), x=(5,)),
    "silu twice": of(lambda x: F.silu(F.silu(3 * x)), x=(5,)),
    "tanh in place": of(lambda x: (2 * x).tanh_(), x=(5,)),
    "relu in place": of(lambda x: F.relu((2 * x).sin(), inplace=True).square(), x=(5,)),
    "functorch inside": of(lambda x: torch.func.vmap(torch.tanh)(x), x=(4, 2)),
    "sigmoid": of(torch.sigmoid, x=(5,)),
    "glu": of(F.glu, x=(3, 4)),
    "softmax": of(lambda x: x.softmax(1), x=(3, 4)),
    "log_softmax": of(lambda x: x.log_softmax(1), x=(3, 4)),
    "logsumexp": of(lambda x: x.logsumexp(1), x=(3, 4)),
    "einsum": of(lambda x, y: torch.einsum("ij,jk->ik", x, y), x=(3, 4), y=(4, 2)),
    "logdet": of(lambda a: torch.logdet(a @ a.T + SPD), a=(3, 3)),
    "slogdet": of(lambda a: torch.linalg.slogdet(a @ a.T + SPD)[1], a=(3, 3)),
    "inverse": of(lambda a: torch.linalg.inv(a @ a.T + SPD), a=(3, 3)),
    "cholesky": of(lambda a: torch.linalg.cholesky(a @ a.T + SPD), a=(3, 3)),
    "solve": of(lambda a, b: torch.linalg.solve(a @ a.T + SPD, b), a=(3, 3), b=(3,)),
    "eigvalsh": of(lambda a: torch.linalg.eigvalsh(a + a.T), a=(3, 3)),
    "cumsum": of(lambda x: x.cumsum(0).sin(), x=(4, 2)),
    "cumprod": of(lambda x: x.cumprod(0), x=(4, 2)),
    "gather": of(lambda x: x.gather(1, ints(3, 4, 2)).sin(), x=(4, 3)),
    "index_select": of(lambda x: x[ints(4, 5)].sin(), x=(4, 3)),
    "scatter_add": of(lambda x: torch.zeros(3).double().scatter_add(0, ints(3, 5), x).sin(), x=(5,)),
    "std": of(lambda x: x.std(0), x=(4, 3)),
    "vector_norm": of(lambda x: torch.linalg.vector_norm(x, dim=1), x=(4, 3)),
    "fft": of(lambda x: torch.fft.rfft(x).abs().square(), x=(6,)),
    "checkpoint": of(
        lambda x, w: torch.utils.checkpoint.checkpoint(lambda y: (y @ w).tanh(), x, use_reentrant=False), x=(3, 4), w=(4, 2)
    ),
    "attention by hand": of(attention, q=(2, 3, 4), k=(2, 3, 4), v=(2, 3, 4)),
    "scaled_dot_product_attention": of(F.scaled_dot_product_attention, q=(1, 2, 3, 4), k=(1, 2, 3, 4), v=(1, 2, 3, 4)),
    "causal scaled_dot_product_attention": of(
        lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True), q=(1, 2, 3, 4), k=(1, 2, 3, 4), v=(1, 2, 3, 4)
    ),
    "LSTM": cell(nn.LSTM),
    "GRU": cell(nn.GRU),
    "RNN of two layers": cell(nn.RNN, 2),
}

# No route of torch 2.13 differentiates these twice.
REFUSED: dict[str, Operation] = {
    "ctc_loss": of(
        lambda x: F.ctc_loss(x.log_softmax(2), 1 + ints(3, 2, 2), torch.tensor([5, 5]), torch.tensor([2, 2])), x=(5, 2, 4)
    ),
    "embedding_bag": of(lambda w: F.embedding_bag(ints(4, 3, 2), w, mode="mean").sin(), w=(4, 3)),
    "cdist": of(lambda x, y: torch.cdist(x, y).square(), x=(3, 2), y=(4, 2)),
}


def central_hessian(function: Function, parameters: Mapping[str, Tensor], step: float = 2e-4) -> Tensor:
    """The matrix of fourth-order central differences of the gradient [P, P]; it uses first derivatives alone."""
    names, sizes = list(parameters), [value.numel() for value in parameters.values()]
    centre = torch.cat([value.detach().flatten() for value in parameters.values()])

    def gradient(point: Tensor) -> Tensor:
        pieces = [
            piece.reshape(parameters[name].shape).requires_grad_() for name, piece in zip(names, point.split(sizes), strict=True)
        ]
        found = torch.autograd.grad(
            function(dict(zip(names, pieces, strict=True))), pieces, allow_unused=True, materialize_grads=True
        )
        return torch.cat([piece.flatten() for piece in found])

    columns = []
    for j in range(len(centre)):
        move = torch.zeros_like(centre)
        move[j] = step
        near, far = (gradient(centre + k * move) - gradient(centre - k * move) for k in (1, 2))
        columns.append((8 * near - far) / (12 * step))
    return torch.stack(columns, 1)
