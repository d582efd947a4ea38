"""3×3 convolutions with four, or two and a quarter, multiplications where the definition has nine.

Lavin and Gray 2016: F(2×2, 3×3) and F(4×4, 3×3).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from facesynth.models.folded_spade.convolution import PackedConvolution

_TILE_BYTES = 16 << 20
"""Of the transformed tiles that there are at once."""
_KERNELS = {
    2: [[1, 0, 0], [1 / 2, 1 / 2, 1 / 2], [1 / 2, -1 / 2, 1 / 2], [0, 0, 1]],
    4: [
        [1 / 4, 0, 0],
        [-1 / 6, -1 / 6, -1 / 6],
        [-1 / 6, 1 / 6, -1 / 6],
        [1 / 24, 1 / 12, 1 / 6],
        [1 / 24, -1 / 12, 1 / 6],
        [0, 0, 1],
    ],
}
"""For each number of pixels that a tile makes in one direction: a kernel's three numbers as what the products take."""


class WinogradConvolution:
    """A 3×3 convolution of stride 1 that keeps the side, for batches of one in float32.

    Each `made`×`made` pixels (2×2 or 4×4) of what comes out are made of a tile of what goes in, two pixels wider: tiles
    and kernels are transformed, multiplied number by number, and transformed back. At 256 to 1,024 channels 2×2 rounds
    half as coarsely as the definition, 4×4 some ten times as coarsely (1e-4 where what comes out is about 1); weights
    are 16/9 or 4 times as large. It pays where there are many channels: a transform costs a number of additions a
    channel, and what it saves grows with their square.
    """

    def __init__(self, weight: Tensor, bias: Tensor | None, side: int, made: int) -> None:
        """`weight`: out×in×3×3; `made` divides `side`."""
        self._outside, self._inside = weight.shape[:2]
        self._bias, self._side, self._made, self._tiles = bias, side, made, side // made
        self._wide = made + 2
        lines = _TILE_BYTES // (self._wide**2 * self._tiles * self._inside * weight.element_size())
        whole = [line for line in range(1, self._tiles + 1) if self._tiles % line == 0]
        self._lines = max(line for line in whole if line <= max(1, lines))
        transform = torch.tensor(_KERNELS[made], dtype=torch.float64)
        kernels = torch.einsum("ya,xb,oiab->yxoi", transform, transform, weight.double()).to(weight.dtype)
        self._products = [
            [PackedConvolution(one[:, :, None, None], None, self._lines, self._tiles) for one in row] for row in kernels
        ]

    def __call__(self, x: Tensor) -> Tensor:
        """1×in×side×side, channels last → 1×out×side×side, channels last."""
        made, wide, inside = self._made, self._wide, self._inside
        framed = x.new_zeros(self._side + 2, self._side + 2, inside)
        framed[1:-1, 1:-1] = x[0].permute(1, 2, 0)
        out = x.new_empty(self._tiles, made, self._tiles, made, self._outside)
        across = x.new_empty(wide, self._lines, self._side + 2, inside)
        tiles = x.new_empty(wide, wide, self._lines, self._tiles, inside)  # x in a tile, y in it, which tile
        into, out_of = (_into_4, _out_of_4) if made == 2 else (_into_6, _out_of_6)
        last = made * (self._tiles - 1) + 1
        for start in range(0, self._tiles, self._lines):
            end = start + self._lines
            into([framed[made * start + y : made * (end - 1) + y + 1 : made] for y in range(wide)], across)
            into([across[:, :, x : x + last : made] for x in range(wide)], tiles)
            rows = [out_of([self._product(tiles, y, x) for x in range(wide)]) for y in range(wide)]
            for x_out, columns in enumerate(zip(*rows, strict=True)):
                for y_out, pixels in enumerate(out_of(columns)):
                    target = out[start:end, y_out, :, x_out]
                    target.copy_(pixels) if self._bias is None else torch.add(pixels, self._bias, out=target)
        return out.view(self._side, self._side, self._outside).permute(2, 0, 1)[None]

    def added_to(self, total: Tensor, x: Tensor) -> Tensor:
        """`total` with the convolution of x added to it in place."""
        return total.add_(self(x))

    def _product(self, tiles: Tensor, y: int, x: int) -> Tensor:
        product = self._products[y][x](tiles[x, y].permute(2, 0, 1)[None])
        return product[0].permute(1, 2, 0)


def _into_4(d: Sequence[Tensor], out: Tensor) -> None:
    """Four neighbours as what the products take, in one direction."""
    torch.sub(d[0], d[2], out=out[0])
    torch.add(d[1], d[2], out=out[1])
    torch.sub(d[2], d[1], out=out[2])
    torch.sub(d[1], d[3], out=out[3])


def _out_of_4(m: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """Four products as two neighbours, in one direction; what is given is overwritten."""
    second = (m[1] - m[2]).sub_(m[3])
    return m[1].add_(m[2]).add_(m[0]), second


def _into_6(d: Sequence[Tensor], out: Tensor) -> None:
    """Six neighbours as what the products take, in one direction."""
    torch.sub(d[4], d[2], alpha=5, out=out[0]).add_(d[0], alpha=4)
    torch.sub(d[5], d[3], alpha=5, out=out[5]).add_(d[1], alpha=4)
    even, odd = torch.sub(d[4], d[2], alpha=4), torch.sub(d[3], d[1], alpha=4)
    torch.add(even, odd, out=out[1])
    torch.sub(even, odd, out=out[2])
    torch.sub(d[4], d[2], out=even)
    torch.sub(d[3], d[1], out=odd)
    torch.add(even, odd, alpha=2, out=out[3])
    torch.sub(even, odd, alpha=2, out=out[4])


def _out_of_6(m: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """Six products as four neighbours, in one direction; what is given is overwritten."""
    near, far = m[1] - m[2], m[3] - m[4]
    nearer, further = m[1].add_(m[2]), m[3].add_(m[4])
    third = torch.add(nearer, further, alpha=4)
    second = torch.add(near, far, alpha=2)
    return m[0].add_(nearer).add_(further), second, third, near.add_(far, alpha=8).add_(m[5])
