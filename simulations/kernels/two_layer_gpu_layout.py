"""Which GPU kernel runs a two-layer network, and what it needs of a multiprocessor.

Budget of the resident kernel, for a block of ``32 warps`` threads (4-byte registers, of which a
thread may have 255 and a multiprocessor 65,536):

- W: ``cells = width**2 / (cluster * threads)`` numbers of a thread, all in registers;
- slots: ``slots * cells`` numbers, in registers up to ``STATE_REGISTERS`` together with W, the
  others in shared memory, where a warp reads them without bank conflicts;
- the rest of the 255 registers: residual, inner products, the update in flight;
- shared memory: ``warps * width`` numbers for the partial products, ``width`` for the residual
  (3 ``width`` in a cluster), and the slots that registers do not hold.

What limits a step, from the throughput of a Hopper multiprocessor (128 float32 and 64 float64
operations and 16 special functions a cycle): Adam in float32 the special functions, two a cell;
SGD with momentum in float32 the multiply-adds, six a cell; float64 the multiply-adds (a square
root and a division are about twenty); a cluster adds one barrier and the exchange of ``cluster *
width`` numbers a step; the streamed kernel is limited by memory, ``2 (1 + slots)`` accesses a
cell. Widths 32 and 64 leave room for several trials on a multiprocessor.
"""

from __future__ import annotations

from dataclasses import dataclass

from simulations.kernels.gpu_build import Kernel

# Optimizer -> (rule of two_layer_gpu_rules.cuh, number of slots).
RULES = {
    "sgd": ("Sgd", 0), "sgd_momentum": ("Momentum", 1), "nesterov": ("Nesterov", 1),
    "sign_descent": ("Sign", 0), "adagrad": ("Adagrad", 1), "rmsprop": ("Rmsprop", 2),
    "adam": ("Adam", 2), "amsgrad": ("Amsgrad", 3),
}  # fmt: skip
DTYPES = {"float32": ("float", 4), "float64": ("double", 8)}
# Registers of a thread for weights and slots, and beside them, with which next to nothing is
# spilled; the first by the number of slots, since a longer update needs more of the rest.
STATE_REGISTERS = {
    "float32": (192, 192, 192, 160),
    "float64": (160, 144, 112, 96),
}
WORK_REGISTERS = {"float32": 96, "float64": 112}
# Both slots of 64 float64 cells a thread fill the shared memory, so that registers take more.
_CROWDED = {("float64", 64, 2): 176}
_REGISTERS = 65536
# Width -> (warps of a block, sizes of cluster to choose from, smallest first).
WIDTHS: dict[int, tuple[int, tuple[int, ...]]] = {
    32: (2, (1,)), 64: (4, (1,)), 128: (8, (1, 2)), 256: (8, (4, 8)), 512: (8, (16,)),
}  # fmt: skip
# Shared memory of a block, in bytes, where there is most of it (compute capability 9.0, 10.0).
LARGEST_SHARED = 232448
# Spilled bytes of a thread beyond which `gpu_check` fails.
SPILL_LIMIT = 96
# Its four arrays; compilers for capability 10 and 12 spill some of it for an earlier start.
_SPILL_LIMITS = {("amsgrad", "float64"): 256}
RESIDENT, STREAMED = "two_layer_gpu_resident.cu", "two_layer_gpu_streamed.cu"
STREAMED_THREADS, STREAMED_ROWS = 256, 8
_PICKS = 8


@dataclass(frozen=True)
class Layout:
    """A resident kernel: one optimizer, precision, padded width and size of cluster."""

    optimizer: str
    dtype: str
    width: int
    cluster: int

    @property
    def warps(self) -> int:
        """Warps of a block."""
        return WIDTHS[self.width][0]

    @property
    def threads(self) -> int:
        """Threads of a block."""
        return 32 * self.warps

    @property
    def cells(self) -> int:
        """Entries of W that a thread keeps in registers."""
        return self.width**2 // (self.cluster * self.threads)

    @property
    def held(self) -> int:
        """Entries of the slots that a thread keeps in registers."""
        slots = RULES[self.optimizer][1]
        usual = STATE_REGISTERS[self.dtype][slots]
        registers = _CROWDED.get((self.dtype, self.cells, slots), usual)
        room = registers // self._words - self.cells
        return max(0, min(slots * self.cells, room))

    @property
    def blocks(self) -> int:
        """Blocks that the registers of a multiprocessor have room for."""
        taken = (self.cells + self.held) * self._words + WORK_REGISTERS[self.dtype]
        # Registers are given out to four warps at a time, one for each scheduler.
        together = max(1, 4 // self.warps)
        return max(1, _REGISTERS // (self.threads * taken) // together * together)

    @property
    def _words(self) -> int:
        return DTYPES[self.dtype][1] // 4

    @property
    def shared(self) -> int:
        """Bytes of shared memory of a block."""
        exchange = 2 * self.width if self.cluster > 1 else 0
        spilt = RULES[self.optimizer][1] * self.cells - self.held
        numbers = (max(self.warps, 2) + 1) * self.width + exchange + _PICKS + spilt * self.threads
        return numbers * DTYPES[self.dtype][1]

    @property
    def kernel(self) -> Kernel:
        """The instance to compile."""
        real, rule = DTYPES[self.dtype][0], RULES[self.optimizer][0]
        kind = (f"Resident<{real}, {rule}, {self.width}, {self.cluster}, {self.warps}, "
                f"{self.held}>")  # fmt: skip
        limit = _SPILL_LIMITS.get((self.optimizer, self.dtype), SPILL_LIMIT)
        name = f"resident_{self.optimizer}_{self.dtype}_{self.width}_{self.cluster}"
        return Kernel(name, RESIDENT, f"Task<{real}>", f"resident<{kind}>(task)", self.threads,
                      self.blocks, self.cluster, self.shared, limit)  # fmt: skip


def layouts(optimizer: str, dtype: str) -> list[Layout]:
    """All resident kernels of an optimizer and precision, narrow ones and small clusters first.

    Raises
    ------
    ValueError
        If there is no kernel for `optimizer` or `dtype`.
    """
    for name, value, known in (("optimizer", optimizer, RULES), ("dtype", dtype, DTYPES)):
        if value not in known:
            raise ValueError(f"{name} is {value!r}; it must be one of {', '.join(known)}")
    return [Layout(optimizer, dtype, width, cluster)
            for width, (_, clusters) in WIDTHS.items() for cluster in clusters]  # fmt: skip


def choose(optimizer: str, dtype: str, size: int, shared: int, cluster: int) -> Layout | None:
    """The resident kernel for `size` rows or columns, None where steps must be streamed.

    `shared` bytes of a block and `cluster` blocks are what the device allows.

    >>> choose("adam", "float64", 100, shared=232448, cluster=16)
    Layout(optimizer='adam', dtype='float64', width=128, cluster=1)
    >>> choose("adam", "float64", 100, shared=166912, cluster=1) is None
    True

    Raises
    ------
    ValueError
        If there is no kernel for `optimizer` or `dtype`, or `size` is not >= 1.
    """
    if size < 1:
        raise ValueError(f"size is {size!r}; it must be an integer >= 1")
    fitting = [
        layout for layout in layouts(optimizer, dtype)
        if layout.width >= size and layout.shared <= shared
        and layout.cluster <= cluster
    ]  # fmt: skip
    narrowest = [layout for layout in fitting if layout.width < 2 * max(size, 17)]
    return narrowest[0] if narrowest else None


def streamed(optimizer: str, dtype: str) -> tuple[Kernel, Kernel, Kernel]:
    """The streamed kernels: first product, residual, rows."""
    real, rule = DTYPES[dtype][0], RULES[optimizer][0]
    shared = 2 * STREAMED_ROWS * DTYPES[dtype][1]

    def kernel(name: str, call: str) -> Kernel:
        return Kernel(f"streamed_{name}", STREAMED, f"Task<{real}>", call, STREAMED_THREADS, 2,
                      1, shared, 0)  # fmt: skip

    return (
        kernel(f"first_{dtype}", "first_product(task)"),
        kernel(f"residual_{dtype}", "residual(task)"),
        kernel(f"rows_{optimizer}_{dtype}", f"rows<{real}, {rule}>(task)"),
    )


def catalogue() -> list[Kernel]:
    """Every kernel that some device has room for, without repetition."""
    pairs = [(optimizer, dtype) for optimizer in RULES for dtype in DTYPES]
    found = [layout.kernel for pair in pairs for layout in layouts(*pair)
             if layout.shared <= LARGEST_SHARED]  # fmt: skip
    found += [kernel for pair in pairs for kernel in streamed(*pair)]
    return list(dict.fromkeys(found))
