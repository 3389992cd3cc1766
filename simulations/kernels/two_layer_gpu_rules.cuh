// Update rules of the two-layer kernels and what they are called with.
//
// A rule maps the gradient of one coordinate and its slots to the move of the coordinate, and
// updates the slots; names, slots and formulas are those of theory.optimizers.

// One call of a kernel. S trials, w (S, rows), W (S, rows, columns), slots (k, S, ...) of both;
// A (columns); lr, eps (steps); chi (S, steps), normals and target (S, steps, columns) or null;
// diverged (S); `at` the `records` steps after which seen (S, records, 5) is filled.
template <class F>
struct Task {
  F *w, *W, *w_slots, *W_slots;
  const F *A, *lr, *eps, *chi, *normals, *target;
  long long* diverged;
  const int* at;
  F* seen;
  // Of the streamed kernels alone: partial products, residuals, sums over chunks of columns.
  F *partial, *error, *sums;
  long long first;
  F b1, b2, c1, c2, decay;  // c = 1 - b, rounded once
  int batch, trials, rows, columns, steps, records, step;
};

template <class F>
struct Scalars {
  F lr, eps, b1, b2, c1, c2;
};

// A coordinate whose gradients were all zero does not move.
template <class F>
ADAGEO_DEVICE F ratio(F numerator, F denominator) {
  return denominator > F(0) ? numerator / denominator : F(0);
}

ADAGEO_DEVICE float root(float x) { return sqrtf(x); }
ADAGEO_DEVICE double root(double x) { return sqrt(x); }

// a b + c, rounded once. Where two places must compute the same bits, a compiler that may
// contract products and sums as it likes has nothing to choose.
ADAGEO_DEVICE float fused(float a, float b, float c) { return fmaf(a, b, c); }
ADAGEO_DEVICE double fused(double a, double b, double c) { return fma(a, b, c); }

struct Sgd {
  static constexpr int slots = 0;
  template <class F>
  ADAGEO_DEVICE static F move(F g, F*, const Scalars<F>& h) { return -h.lr * g; }
};

struct Momentum {
  static constexpr int slots = 1;
  template <class F>
  ADAGEO_DEVICE static F move(F g, F* s, const Scalars<F>& h) {
    s[0] = h.b1 * s[0] + g;
    return -h.lr * s[0];
  }
};

struct Nesterov {
  static constexpr int slots = 1;
  template <class F>
  ADAGEO_DEVICE static F move(F g, F* s, const Scalars<F>& h) {
    s[0] = h.b1 * s[0] + g;
    return -h.lr * (g + h.b1 * s[0]);
  }
};

struct Sign {
  static constexpr int slots = 0;
  template <class F>
  ADAGEO_DEVICE static F move(F g, F*, const Scalars<F>& h) {
    return g > F(0) ? -h.lr : (g < F(0) ? h.lr : F(0));
  }
};

struct Adagrad {
  static constexpr int slots = 1;
  template <class F>
  ADAGEO_DEVICE static F move(F g, F* s, const Scalars<F>& h) {
    s[0] += g * g;
    return -h.lr * ratio(g, root(s[0]) + h.eps);
  }
};

struct Rmsprop {
  static constexpr int slots = 2;
  template <class F>
  ADAGEO_DEVICE static F move(F g, F* s, const Scalars<F>& h) {
    s[0] = h.b2 * s[0] + h.c2 * g * g;
    s[1] = h.b1 * s[1] + ratio(g, root(s[0]) + h.eps);
    return -h.lr * s[1];
  }
};

struct Adam {
  static constexpr int slots = 2;
  template <class F>
  ADAGEO_DEVICE static F move(F g, F* s, const Scalars<F>& h) {
    s[0] = h.b1 * s[0] + h.c1 * g;
    s[1] = h.b2 * s[1] + h.c2 * g * g;
    return -h.lr * ratio(s[0], root(s[1]) + h.eps);
  }
};

struct Amsgrad {
  static constexpr int slots = 3;
  template <class F>
  ADAGEO_DEVICE static F move(F g, F* s, const Scalars<F>& h) {
    s[0] = h.b1 * s[0] + h.c1 * g;
    s[1] = h.b2 * s[1] + h.c2 * g * g;
    s[2] = s[1] > s[2] ? s[1] : s[2];
    return -h.lr * ratio(s[0], root(s[2]) + h.eps);
  }
};

template <class F>
ADAGEO_DEVICE Scalars<F> scalars(const Task<F>& task, int step) {
  return {task.lr[step], task.eps[step], task.b1, task.b2, task.c1, task.c2};
}

// What a batch shows of the residual E: along * E + across * normals, from |E|^2, E.normals
// and a chi-square variable (see the reference).
template <class F>
struct Batch {
  F along, across;
};

template <class F>
ADAGEO_DEVICE Batch<F> batch_factors(F square, F inner, F chi, int batch) {
  const F size = root(square), spread = root(chi);
  const F bent = size > F(0) ? spread * inner / size : F(0);
  return {(chi - bent) / F(batch), spread * size / F(batch)};
}
