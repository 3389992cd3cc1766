// The whole trial stays on the chip: W in registers, the optimizer's slots in registers as far
// as they fit and in shared memory beyond, all steps in one launch. One block, or one cluster of
// blocks that share the rows, works on one trial at a time.
//
// A step: sum the partial products over warps (and blocks), E = w'W - A; each warp takes the
// inner products of its rows with E, moves its w_i, then its rows, and adds w_i(new) W_ij(new) to
// its partial product of the next step. G = w E' is never stored.
#include "gpu_primitives.cuh"
#include "two_layer_gpu_rules.cuh"

// WIDTH >= rows, columns: the rest is zero, moves nowhere and adds exact zeros. HELD of the
// SLOTS * CELLS slot entries of a thread are in registers, the others in shared memory.
template <class F, class Rule, int WIDTH, int CLUSTER, int WARPS, int HELD>
struct Resident {
  static constexpr int THREADS = 32 * WARPS, BLOCK_ROWS = WIDTH / CLUSTER;
  static constexpr int ROWS = BLOCK_ROWS / WARPS, COLUMNS = WIDTH / 32, CELLS = ROWS * COLUMNS;
  static constexpr int LANES = 32 / ROWS;  // lanes that keep the same w_i
  static constexpr int SLOTS = Rule::slots, SPILT = SLOTS * CELLS - HELD;
  static constexpr int OWN = (WIDTH + THREADS - 1) / THREADS;
  // Shared memory, in numbers: partial products (or squares, for a record), E, the block's
  // product in two alternating copies, order statistics, slots.
  static constexpr int PARTIAL = (WARPS > 2 ? WARPS : 2) * WIDTH;
  static constexpr int LOCAL = CLUSTER > 1 ? 2 * WIDTH : 0, PICKS = 8;
  static constexpr int SHARED = PARTIAL + WIDTH + LOCAL + PICKS + SPILT * THREADS;
  static_assert(BLOCK_ROWS % WARPS == 0 && 32 % ROWS == 0 && HELD <= SLOTS * CELLS, "layout");

  const Task<F>& task;
  F *partial, *error, *local, *picks, *beyond;
  int thread, warp, lane, rank;
  F W[ROWS][COLUMNS];
  F held[HELD > 0 ? HELD : 1];
  F w, w_slots[SLOTS > 0 ? SLOTS : 1], targets[OWN];

  ADAGEO_DEVICE explicit Resident(const Task<F>& given) : task(given) {
    partial = shared_memory<F>();
    error = partial + PARTIAL;
    local = error + WIDTH;
    picks = local + LOCAL;
    thread = thread_index(), warp = thread / 32, lane = thread % 32;
    beyond = picks + PICKS + thread;
    rank = block_index_x() % CLUSTER;
    ADAGEO_UNROLL
    for (int k = 0; k < OWN; ++k) {
      const int j = thread + k * THREADS;
      targets[k] = j < task.columns ? task.A[j] : F(0);
    }
  }

  ADAGEO_DEVICE void run() {
    for (int s = block_index_x() / CLUSTER; s < task.trials; s += blocks_x() / CLUSTER)
      if (task.diverged[s] < 0) trial(s);
  }

  ADAGEO_DEVICE void trial(int s) {
    move_state<true>(s);
    first_product();
    int next = 0;
    for (int t = 0;; ++t) {
      const bool last = t == task.steps;
      const Scalars<F> h = scalars(task, last ? 0 : t);
      residual(t);
      const bool record = next < task.records && task.at[next] == t;
      if (last && !record) break;
      F square = F(0);
      ADAGEO_UNROLL
      for (int c = 0; c < COLUMNS; ++c) square += error[c * 32 + lane] * error[c * 32 + lane];
      square = warp_sum(square);
      if (!(static_cast<double>(square) < ADAGEO_DIVERGED)) {
        if (thread == 0 && rank == 0) task.diverged[s] = task.first + t;
        break;
      }
      if (record) observe(s, next++, square);
      if (last) break;
      disturb(s, t, square);
      advance(h);
    }
    move_state<false>(s);
    // No block starts the next trial, or ends, while another still reads its memory.
    if constexpr (CLUSTER > 1) cluster_barrier();
  }

  ADAGEO_DEVICE F slot(int index) const {
    return index < HELD ? held[index] : beyond[(index - HELD) * THREADS];
  }

  ADAGEO_DEVICE void set_slot(int index, F value) {
    if (index < HELD) held[index] = value;
    else beyond[(index - HELD) * THREADS] = value;
  }

  ADAGEO_DEVICE int row(int r) const { return (rank * WARPS + warp) * ROWS + r; }

  // Read weights and slots of trial s (zeros beyond its shape), or write them back.
  template <bool READ>
  ADAGEO_DEVICE void move_state(int s) {
    const long long d = task.rows, n = task.columns, trials = task.trials;
    const int own = row(lane / LANES);
    const bool inside = own < d, writes = inside && lane % LANES == 0;
    if (READ) w = inside ? task.w[s * d + own] : F(0);
    else if (writes) task.w[s * d + own] = w;
    ADAGEO_UNROLL
    for (int k = 0; k < SLOTS; ++k) {
      F* const there = task.w_slots + (k * trials + s) * d + own;
      if (READ) w_slots[k] = inside ? *there : F(0);
      else if (writes) *there = w_slots[k];
    }
    ADAGEO_UNROLL
    for (int r = 0; r < ROWS; ++r) {
      ADAGEO_UNROLL
      for (int c = 0; c < COLUMNS; ++c) {
        const int i = row(r), j = c * 32 + lane;
        const bool cell = i < d && j < n;
        F* const there = task.W + (s * d + i) * n + j;
        if (READ) W[r][c] = cell ? *there : F(0);
        else if (cell) *there = W[r][c];
        ADAGEO_UNROLL
        for (int k = 0; k < SLOTS; ++k) {
          F* const kept = task.W_slots + ((k * trials + s) * d + i) * n + j;
          const int index = k * CELLS + r * COLUMNS + c;
          if (READ) set_slot(index, cell ? *kept : F(0));
          else if (cell) *kept = slot(index);
        }
      }
    }
  }

  // The same operations in the same order as in `advance`, so that a cut changes no bit.
  ADAGEO_DEVICE void first_product() {
    F sum[COLUMNS] = {};
    ADAGEO_UNROLL
    for (int r = 0; r < ROWS; ++r) {
      const F factor = shuffle(w, r * LANES);
      ADAGEO_UNROLL
      for (int c = 0; c < COLUMNS; ++c) sum[c] = fused(factor, W[r][c], sum[c]);
    }
    publish(sum);
  }

  ADAGEO_DEVICE void publish(const F* sum) {
    ADAGEO_UNROLL
    for (int c = 0; c < COLUMNS; ++c) partial[warp * WIDTH + c * 32 + lane] = sum[c];
  }

  // E = w'W - A for all threads; in a cluster every block adds the blocks in the same order, so
  // that all of them see the same bits.
  ADAGEO_DEVICE void residual(int t) {
    block_barrier();
    F* const mine = CLUSTER > 1 ? local + (t % 2) * WIDTH : error;
    ADAGEO_UNROLL
    for (int k = 0; k < OWN; ++k) {
      const int j = thread + k * THREADS;
      if (j >= WIDTH) break;
      F sum = F(0);
      ADAGEO_UNROLL
      for (int part = 0; part < WARPS; ++part) sum += partial[part * WIDTH + j];
      mine[j] = CLUSTER > 1 ? sum : sum - targets[k];
    }
    if constexpr (CLUSTER > 1) {
      // Two copies in turn: a block that runs ahead writes the other one.
      cluster_barrier();
      ADAGEO_UNROLL
      for (int k = 0; k < OWN; ++k) {
        const int j = thread + k * THREADS;
        if (j >= WIDTH) break;
        F sum = F(0);
        ADAGEO_UNROLL
        for (int block = 0; block < CLUSTER; ++block) sum += cluster_read(mine + j, block);
        error[j] = sum - targets[k];
      }
    }
    block_barrier();
  }

  // Turn E into the residual of a batch, with the noise of its targets.
  ADAGEO_DEVICE void disturb(int s, int t, F square) const {
    if (task.batch == 0 && task.target == nullptr) return;
    const long long time = static_cast<long long>(s) * task.steps + t;
    const int n = task.columns;
    Batch<F> seen = {F(1), F(0)};
    if (task.batch > 0) {
      F inner = F(0);
      ADAGEO_UNROLL
      for (int c = 0; c < COLUMNS; ++c) {
        const int j = c * 32 + lane;
        if (j < n) inner += error[j] * task.normals[time * n + j];
      }
      seen = batch_factors(square, warp_sum(inner), task.chi[time], task.batch);
    }
    block_barrier();
    for (int j = thread; j < n; j += THREADS) {
      F e = seen.along * error[j];
      if (task.batch > 0) e += seen.across * task.normals[time * n + j];
      if (task.target != nullptr) e -= task.target[time * n + j];
      error[j] = e;
    }
    block_barrier();
  }

  ADAGEO_DEVICE void advance(const Scalars<F>& h) {
    F dots[ROWS] = {};
    ADAGEO_UNROLL
    for (int c = 0; c < COLUMNS; ++c) {
      const F e = error[c * 32 + lane];
      ADAGEO_UNROLL
      for (int r = 0; r < ROWS; ++r) dots[r] += W[r][c] * e;
    }
    const F before = w, g = transposed_sum<ROWS, 16>(dots, lane);
    w += Rule::move(g + task.decay * w, w_slots, h);
    // The shorter side of the tile is kept in registers while the longer one is walked along.
    if constexpr (COLUMNS < ROWS) {
      F e[COLUMNS], sum[COLUMNS] = {};
      ADAGEO_UNROLL
      for (int c = 0; c < COLUMNS; ++c) e[c] = error[c * 32 + lane];
      ADAGEO_UNROLL
      for (int r = 0; r < ROWS; ++r) {
        const F from = shuffle(before, r * LANES), to = shuffle(w, r * LANES);
        ADAGEO_UNROLL
        for (int c = 0; c < COLUMNS; ++c)
          sum[c] = fused(to, cell(r, c, from * e[c], h), sum[c]);
      }
      publish(sum);
    } else {
      F from[ROWS], to[ROWS];
      ADAGEO_UNROLL
      for (int r = 0; r < ROWS; ++r) {
        from[r] = shuffle(before, r * LANES);
        to[r] = shuffle(w, r * LANES);
      }
      ADAGEO_UNROLL
      for (int c = 0; c < COLUMNS; ++c) {
        const F e = error[c * 32 + lane];
        F sum = F(0);
        ADAGEO_UNROLL
        for (int r = 0; r < ROWS; ++r) sum = fused(to[r], cell(r, c, from[r] * e, h), sum);
        partial[warp * WIDTH + c * 32 + lane] = sum;
      }
    }
  }

  // Move W_rc by its gradient (without decay) and return it.
  ADAGEO_DEVICE F cell(int r, int c, F gradient, const Scalars<F>& h) {
    const int index = r * COLUMNS + c;
    F s[SLOTS > 0 ? SLOTS : 1];
    ADAGEO_UNROLL
    for (int k = 0; k < SLOTS; ++k) s[k] = slot(k * CELLS + index);
    W[r][c] += Rule::move(gradient + task.decay * W[r][c], s, h);
    ADAGEO_UNROLL
    for (int k = 0; k < SLOTS; ++k) set_slot(k * CELLS + index, s[k]);
    return W[r][c];
  }

  // Loss, and largest over median and over smallest of w_i^2 and of |W_i|^2.
  ADAGEO_DEVICE void observe(int s, int record, F square) {
    F norms[ROWS];
    ADAGEO_UNROLL
    for (int r = 0; r < ROWS; ++r) {
      norms[r] = F(0);
      ADAGEO_UNROLL
      for (int c = 0; c < COLUMNS; ++c) norms[r] += W[r][c] * W[r][c];
    }
    const F norm = transposed_sum<ROWS, 16>(norms, lane);
    if (lane % LANES == 0) {
      partial[row(lane / LANES)] = w * w;
      partial[WIDTH + row(lane / LANES)] = norm;
    }
    barrier();
    if (rank == 0) {
      collect();
      pick(partial, picks);
      pick(partial + WIDTH, picks + 4);
      block_barrier();
      F* const out = task.seen + (static_cast<long long>(s) * task.records + record) * 5;
      if (thread == 0) out[0] = square / F(2);
      if (thread < 2) {
        const F* const p = picks + 4 * thread;
        out[1 + thread] = p[3] / (F(0.5) * p[1] + F(0.5) * p[2]);
        out[3 + thread] = p[3] / p[0];
      }
    }
    barrier();
  }

  ADAGEO_DEVICE void barrier() const {
    if constexpr (CLUSTER > 1) cluster_barrier();
    else block_barrier();
  }

  // Fetch the squares of the rows that other blocks of the cluster have.
  ADAGEO_DEVICE void collect() {
    if constexpr (CLUSTER > 1) {
      for (int j = BLOCK_ROWS + thread; j < WIDTH; j += THREADS) {
        partial[j] = cluster_read(partial + j, j / BLOCK_ROWS);
        partial[WIDTH + j] = cluster_read(partial + WIDTH + j, j / BLOCK_ROWS);
      }
      block_barrier();
    }
  }

  // Smallest, the two in the middle and largest of the first `rows` values, by rank.
  ADAGEO_DEVICE void pick(const F* values, F* found) const {
    const int count = task.rows;
    for (int i = thread; i < count; i += THREADS) {
      const F value = values[i];
      int below = 0;
      for (int j = 0; j < count; ++j)
        below += values[j] < value || (values[j] == value && j < i);
      if (below == 0) found[0] = value;
      if (below == (count - 1) / 2) found[1] = value;
      if (below == count / 2) found[2] = value;
      if (below == count - 1) found[3] = value;
    }
  }
};

template <class Kernel, class F>
ADAGEO_DEVICE void resident(const Task<F>& task) {
  Kernel kernel(task);
  kernel.run();
}
