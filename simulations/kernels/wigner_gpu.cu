// Sums of the magnitudes of a vector of normals, a few dozen calls a thread, nothing stored but
// the sum. Definition: wigner_reference.py.
#include "gpu_primitives.cuh"
#include "normals_gpu.cuh"

constexpr int BLOCK = 256, CALLS = 32;  // threads of a block; calls of a thread

// partial (trials, pieces): thread t sums calls CALLS p, ..., CALLS p + CALLS - 1 of trial s, with
// t = s pieces + p.
struct Sums {
  double* partial;
  long long size, pieces, trials;
  Address at;  // of the first trial
};

template <class F>
ADAGEO_DEVICE void magnitudes(const Sums& task) {
  const long long t = static_cast<long long>(block_index_x()) * BLOCK + thread_index();
  if (t >= task.trials * task.pieces) return;
  Address at = task.at;
  at.trial += static_cast<unsigned>(t / task.pieces);
  const long long all = calls<F>(task.size), low = t % task.pieces * CALLS;
  const long long high = low + CALLS < all ? low + CALLS : all;
  double sum = 0.0;
  for (long long index = low; index < high; ++index) {
    const Words words = philox(static_cast<unsigned>(index), at);
    ADAGEO_UNROLL
    for (int k = 0; k < Call<F>::PAIRS; ++k) {
      const Pair<F> pair = Call<F>::pair(words, k);
      const long long place = index + k * all;
      if (2 * place + 1 < task.size) sum += static_cast<double>(pair.both());
      else if (2 * place < task.size) sum += static_cast<double>(size_of(pair.first()));
    }
  }
  task.partial[t] = sum;
}
