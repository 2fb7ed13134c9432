"""EfficientNet-Lite without timm, whose import takes longer than a hundred images.

M. Tan and Q. Le, "EfficientNet: Rethinking model scaling for convolutional neural
networks", ICML 2019, :doi:`10.48550/arXiv.1905.11946`, in the "lite" variant for small
machines: no squeeze-and-excitation, and activations that are clipped at 6. Parameters,
numbers and names of layers are those of timm's ``tf_efficientnet_lite0`` to ``2``.
"""

import math
from collections import OrderedDict

from torch import nn
from torch.nn import functional as F

# Stages: blocks, kernel, stride of the first block, channels.
_STAGES = (
    (1, 3, 1, 16),
    (2, 3, 2, 24),
    (2, 5, 2, 40),
    (3, 3, 2, 80),
    (3, 5, 1, 112),
    (4, 5, 2, 192),
    (1, 3, 1, 320),
)
_N_STEM, _N_LAST, _N_CLASSES = 32, 1280, 1000


class EfficientNetLite(nn.Module):
    """From normalized pixels, (n, 3, height, width), to logits of ImageNet's classes.

    Parameters
    ----------
    width, depth : float, default=1.0
        Factors of channels, and of blocks of all stages but the first and the last.
    """

    def __init__(self, width=1.0, depth=1.0):
        super().__init__()
        self.conv_stem = _conv(3, _N_STEM, 3, stride=2)
        self.bn1 = BatchNormAct2d(_N_STEM)
        stages, n_in = [], _N_STEM
        for make, n_blocks, kernel, stride, n_out in _stages(width, depth):
            blocks = [make(n_in, n_out, kernel, stride)]
            blocks += [make(n_out, n_out, kernel, 1) for _ in range(n_blocks - 1)]
            stages.append(nn.Sequential(*blocks))
            n_in = n_out
        self.blocks = nn.Sequential(*stages)
        self.conv_head = _conv(n_in, _N_LAST, 1)
        self.bn2 = BatchNormAct2d(_N_LAST)
        pool = OrderedDict(pool=nn.AdaptiveAvgPool2d(1), flatten=nn.Flatten())
        self.global_pool = nn.Sequential(pool)
        self.classifier = nn.Linear(_N_LAST, _N_CLASSES)
        for module in self.modules():
            _draw_weights(module)

    def forward(self, x):
        x = self.blocks(self.bn1(self.conv_stem(x)))
        x = self.bn2(self.conv_head(x))
        return self.classifier(self.global_pool(x))

    def cut_head(self):
        """Give feature maps, (n, 1280, height, width), from now on."""
        self.global_pool = self.classifier = nn.Identity()
        return self


class Conv2dSame(nn.Conv2d):
    """A convolution with steps that pads as TensorFlow does: one more at the end."""

    def forward(self, x):
        return conv2d_same(
            x,
            self.weight,
            self.bias,
            self.stride,
            self.padding,
            self.dilation,
            self.groups,
        )


def conv2d_same(x, weight, bias, stride, padding, dilation, groups):
    """Convolve after padding, so that a side has ``ceil(side / stride)`` results.

    `padding` and `dilation` are those of the module, 0 and 1.
    """
    sizes = zip(x.shape[2:], stride, weight.shape[2:], strict=True)
    height, width = (
        max((math.ceil(side / step) - 1) * step + kernel - side, 0)
        for side, step, kernel in sizes
    )
    sides = width // 2, width - width // 2, height // 2, height - height // 2
    return F.conv2d(F.pad(x, sides), weight, bias, stride, padding, dilation, groups)


class BatchNormAct2d(nn.BatchNorm2d):
    """A batch norm with the activation behind it."""

    def __init__(self, n_channels, *, is_linear=False):
        super().__init__(n_channels, eps=1e-3)
        self.act = nn.Identity() if is_linear else nn.ReLU6(inplace=True)

    def forward(self, x):
        return self.act(super().forward(x))


class DepthwiseSeparableConv(nn.Module):
    """A convolution of each channel by itself, and one of all of them at each place."""

    def __init__(self, n_in, n_out, kernel, stride):
        super().__init__()
        self.conv_dw = _conv(n_in, n_in, kernel, stride, groups=n_in)
        self.bn1 = BatchNormAct2d(n_in)
        self.conv_pw = _conv(n_in, n_out, 1)
        self.bn2 = BatchNormAct2d(n_out, is_linear=True)
        self.has_skip = stride == 1 and n_in == n_out

    def forward(self, x):
        found = self.bn2(self.conv_pw(self.bn1(self.conv_dw(x))))
        return found + x if self.has_skip else found


class InvertedResidual(nn.Module):
    """The same, on more channels, which a convolution in front makes of a few."""

    def __init__(self, n_in, n_out, kernel, stride, expansion=6):
        super().__init__()
        n_inside = n_in * expansion
        self.conv_pw = _conv(n_in, n_inside, 1)
        self.bn1 = BatchNormAct2d(n_inside)
        self.conv_dw = _conv(n_inside, n_inside, kernel, stride, groups=n_inside)
        self.bn2 = BatchNormAct2d(n_inside)
        self.conv_pwl = _conv(n_inside, n_out, 1)
        self.bn3 = BatchNormAct2d(n_out, is_linear=True)
        self.has_skip = stride == 1 and n_in == n_out

    def forward(self, x):
        found = self.bn2(self.conv_dw(self.bn1(self.conv_pw(x))))
        found = self.bn3(self.conv_pwl(found))
        return found + x if self.has_skip else found


def _stages(width, depth):
    """What blocks each stage is made of, how many, their kernel, stride, channels."""
    for number, (n_blocks, kernel, stride, n_channels) in enumerate(_STAGES):
        make = DepthwiseSeparableConv if number == 0 else InvertedResidual
        is_inner = 0 < number < len(_STAGES) - 1
        factor = depth if is_inner else 1
        n_scaled = math.ceil(n_blocks * factor)
        yield make, n_scaled, kernel, stride, _to_eights(n_channels * width)


def _conv(n_in, n_out, kernel, stride=1, groups=1):
    options = {"stride": stride, "groups": groups, "bias": False}
    if stride > 1:
        return Conv2dSame(n_in, n_out, kernel, **options)
    return nn.Conv2d(n_in, n_out, kernel, padding=kernel // 2, **options)


def _to_eights(n_channels):
    """The nearest multiple of 8 that takes away a tenth at most."""
    rounded = max(8, int(n_channels + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * n_channels else rounded


def _draw_weights(module):
    """Random weights, as the paper's own code draws them."""
    if any(parameter.is_meta for parameter in module.parameters(recurse=False)):
        return  # none to draw; torch would import its compiler only to find that out
    if isinstance(module, nn.Conv2d):
        n_out = math.prod(module.kernel_size) * module.out_channels // module.groups
        nn.init.normal_(module.weight, 0, math.sqrt(2 / n_out))
    elif isinstance(module, nn.Linear):
        most = 1 / math.sqrt(module.out_features)
        nn.init.uniform_(module.weight, -most, most)
        nn.init.zeros_(module.bias)
