// Trials too large for the chip: the state stays in device memory and every step is two
// launches, `residual` (one thread a column) and `rows` (one block for eight rows). Weights and
// slots are read and written once a step; the second reading of a row comes from the L1 cache.
#include "gpu_primitives.cuh"
#include "two_layer_gpu_rules.cuh"

constexpr int BLOCK = 256, WARPS = BLOCK / 32;  // a block of `rows` has a warp for each row

template <class F>
ADAGEO_DEVICE long long place(const Task<F>& task, int s) {
  return static_cast<long long>(s) * task.columns;
}

// partial (S, blocks, columns): the block's share of w'W.
template <class F>
ADAGEO_DEVICE F* partial_row(const Task<F>& task, int s, int block) {
  const int blocks = (task.rows + WARPS - 1) / WARPS;
  return task.partial + (static_cast<long long>(s) * blocks + block) * task.columns;
}

// Before the first step of a call: the shares of w'W from the weights alone, by the same
// operations in the same order as in `rows`, so that a cut changes no bit.
template <class F>
ADAGEO_DEVICE void first_product(const Task<F>& task) {
  const int s = block_index_y(), block = block_index_x();
  F* const out = partial_row(task, s, block);
  for (int j = thread_index(); j < task.columns; j += BLOCK) {
    F sum = F(0);
    for (int i = block * WARPS; i < (block + 1) * WARPS && i < task.rows; ++i) {
      const long long row = static_cast<long long>(s) * task.rows + i;
      sum = fused(task.w[row], task.W[row * task.columns + j], sum);
    }
    out[j] = sum;
  }
}

// error (S, columns) = w'W - A, and sums (S, chunks, 2): the chunk's parts of |E|^2 and
// E.normals.
template <class F>
ADAGEO_DEVICE void residual(const Task<F>& task) {
  const int s = block_index_y(), j = block_index_x() * BLOCK + thread_index();
  const int blocks = (task.rows + WARPS - 1) / WARPS;
  const long long time = static_cast<long long>(s) * task.steps + task.step;
  F e = F(0), z = F(0);
  if (j < task.columns) {
    e = -task.A[j];
    for (int block = 0; block < blocks; ++block) e += partial_row(task, s, block)[j];
    if (task.batch > 0) z = task.normals[time * task.columns + j];
    task.error[place(task, s) + j] = e;
  }
  F* const shared = shared_memory<F>();
  const F square = warp_sum(e * e), inner = warp_sum(e * z);
  const int warp = thread_index() / 32;
  if (thread_index() % 32 == 0) shared[warp] = square, shared[WARPS + warp] = inner;
  block_barrier();
  if (thread_index() < 2) {
    F sum = F(0);
    for (int part = 0; part < WARPS; ++part) sum += shared[thread_index() * WARPS + part];
    const long long chunk = static_cast<long long>(s) * blocks_x() + block_index_x();
    task.sums[chunk * 2 + thread_index()] = sum;
  }
}

template <class F, class Rule>
struct Rows {
  static constexpr int SLOTS = Rule::slots;
  const Task<F>& task;
  const int s = block_index_y(), block = block_index_x(), thread = thread_index();
  const int warp = thread / 32, lane = thread % 32;
  const long long trials = task.trials, d = task.rows, n = task.columns;
  const long long time = static_cast<long long>(s) * task.steps + task.step;
  const Scalars<F> h = scalars(task, task.step);
  Batch<F> seen = {F(1), F(0)};

  ADAGEO_DEVICE void run() {
    if (task.diverged[s] >= 0 || !sums()) return;
    F* const shared = shared_memory<F>();
    const int i = block * WARPS + warp;
    if (i < d) head(i, shared + warp, shared + WARPS + warp);
    block_barrier();
    F* const out = partial_row(task, s, block);
    for (int j = thread; j < n; j += BLOCK) {
      const F e = disturbed(j);
      F sum = F(0);
      for (int r = 0; r < WARPS && block * WARPS + r < d; ++r)
        sum = fused(shared[WARPS + r], cell(block * WARPS + r, j, shared[r] * e), sum);
      out[j] = sum;
    }
  }

  // Whether the trial goes on; every block decides alike, since all add in the same order.
  ADAGEO_DEVICE bool sums() {
    const long long chunks = (n + BLOCK - 1) / BLOCK;
    F square = F(0), inner = F(0);
    for (long long chunk = 0; chunk < chunks; ++chunk) {
      square += task.sums[(s * chunks + chunk) * 2];
      inner += task.sums[(s * chunks + chunk) * 2 + 1];
    }
    if (!(static_cast<double>(square) < ADAGEO_DIVERGED)) {
      if (block == 0 && thread == 0) task.diverged[s] = task.first + task.step;
      return false;
    }
    if (task.batch > 0) seen = batch_factors(square, inner, task.chi[time], task.batch);
    return true;
  }

  ADAGEO_DEVICE F disturbed(int j) const {
    F e = task.error[place(task, s) + j];
    if (task.batch > 0) e = seen.along * e + seen.across * task.normals[time * n + j];
    if (task.target != nullptr) e -= task.target[time * n + j];
    return e;
  }

  // The warp's inner product W_i.E and the move of w_i; both values of w_i to shared memory.
  ADAGEO_DEVICE void head(int i, F* before, F* after) {
    const F* const row = task.W + (s * d + i) * n;
    F g = F(0);
    for (int j = lane; j < n; j += 32) g += row[j] * disturbed(j);
    g = warp_sum(g);
    if (lane == 0) {
      F slots[SLOTS > 0 ? SLOTS : 1];
      const long long here = s * d + i;
      const F old = task.w[here];
      for (int k = 0; k < SLOTS; ++k) slots[k] = task.w_slots[k * trials * d + here];
      const F fresh = old + Rule::move(g + task.decay * old, slots, h);
      for (int k = 0; k < SLOTS; ++k) task.w_slots[k * trials * d + here] = slots[k];
      *before = old;
      *after = task.w[here] = fresh;
    }
  }

  // Move W_ij by its gradient (without decay) and return it.
  ADAGEO_DEVICE F cell(int i, int j, F gradient) {
    F slots[SLOTS > 0 ? SLOTS : 1];
    const long long here = (s * d + i) * n + j;
    const F old = task.W[here];
    for (int k = 0; k < SLOTS; ++k) slots[k] = task.W_slots[k * trials * d * n + here];
    const F fresh = old + Rule::move(gradient + task.decay * old, slots, h);
    for (int k = 0; k < SLOTS; ++k) task.W_slots[k * trials * d * n + here] = slots[k];
    return task.W[here] = fresh;
  }
};

template <class F, class Rule>
ADAGEO_DEVICE void rows(const Task<F>& task) {
  Rows<F, Rule> kernel{task};
  kernel.run();
}
