/* References: activations, gated units and their gradients. See ref.h. */
#include "stdlib/ref/activate.h"
#include "stdlib/ref/ref.h"
#include "tegula/ops.h"

#include <math.h>

static double logistic(double x) {
    return 1 / (1 + exp(-x));
}

static double soft(double x) {
    return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
}

static const double half_root = 0.70710678118654752440, root_pi = 0.79788456080286535588;

/* The argument of tanh in the approximate gelu. */
static double gelu_argument(double x) {
    return root_pi * (x + 0.044715 * x * x * x);
}

double ref_activate(double x, int64_t kind, double alpha) {
    switch (kind) {
    case TG_ACTIVATION_RELU:
        return x > 0 ? x : 0;
    case TG_ACTIVATION_GELU:
        return 0.5 * x * (1 + erf(x * half_root));
    case TG_ACTIVATION_GELU_TANH:
        return 0.5 * x * (1 + tanh(gelu_argument(x)));
    case TG_ACTIVATION_SILU:
        return x * logistic(x);
    case TG_ACTIVATION_SIGMOID:
        return logistic(x);
    case TG_ACTIVATION_TANH:
        return tanh(x);
    case TG_ACTIVATION_SOFTPLUS:
        return soft(x);
    case TG_ACTIVATION_MISH:
        return x * tanh(soft(x));
    case TG_ACTIVATION_LEAKY_RELU:
        return x > 0 ? x : alpha * x;
    case TG_ACTIVATION_ELU:
        return x > 0 ? x : alpha * expm1(x);
    case TG_ACTIVATION_HARD_SIGMOID:
        return fmin(fmax(x / 6 + 0.5, 0), 1);
    case TG_ACTIVATION_HARD_SWISH:
        return x * fmin(fmax(x / 6 + 0.5, 0), 1);
    default:
        return x;
    }
}

double ref_activate_slope(double x, int64_t kind, double alpha) {
    double s = logistic(x), t;
    switch (kind) {
    case TG_ACTIVATION_RELU:
        return x > 0;
    case TG_ACTIVATION_GELU:
        return 0.5 * (1 + erf(x * half_root)) + x * exp(-x * x / 2) * root_pi / 2;
    case TG_ACTIVATION_GELU_TANH:
        t = tanh(gelu_argument(x));
        return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * root_pi * (1 + 3 * 0.044715 * x * x);
    case TG_ACTIVATION_SILU:
        return s * (1 + x * (1 - s));
    case TG_ACTIVATION_SIGMOID:
        return s * (1 - s);
    case TG_ACTIVATION_TANH:
        return 1 - tanh(x) * tanh(x);
    case TG_ACTIVATION_SOFTPLUS:
        return s;
    case TG_ACTIVATION_MISH:
        t = tanh(soft(x));
        return t + x * (1 - t * t) * s;
    case TG_ACTIVATION_LEAKY_RELU:
        return x > 0 ? 1 : alpha;
    case TG_ACTIVATION_ELU:
        return x > 0 ? 1 : alpha * exp(x);
    case TG_ACTIVATION_HARD_SIGMOID:
        return x > -3 && x <= 3 ? 1.0 / 6 : 0;
    case TG_ACTIVATION_HARD_SWISH:
        return x > 3 ? 1 : x > -3 ? x / 3 + 0.5 : 0;
    default:
        return 1;
    }
}

void ref_activation(kcase *c) {
    for (int64_t i = 0; i < kn(c, "X"); i++) {
        kt(c, "Y")[i] = ref_activate(kt(c, "X")[i], kd(c, "kind"), kf(c, "alpha"));
    }
}

void ref_activation_bwd(kcase *c) {
    for (int64_t i = 0; i < kn(c, "X"); i++) {
        kt(c, "dX")[i] =
            kt(c, "dY")[i] * ref_activate_slope(kt(c, "X")[i], kd(c, "kind"), kf(c, "alpha"));
    }
}

void ref_gated(kcase *c) {
    for (int64_t i = 0; i < kn(c, "Y"); i++) {
        kt(c, "Y")[i] = ref_activate(kt(c, "A")[i], kd(c, "kind"), 1) * kt(c, "B")[i];
    }
}

void ref_gated_bwd(kcase *c) {
    for (int64_t i = 0; i < kn(c, "dY"); i++) {
        double a = kt(c, "A")[i], dy = kt(c, "dY")[i];
        kt(c, "dA")[i] = dy * kt(c, "B")[i] * ref_activate_slope(a, kd(c, "kind"), 1);
        kt(c, "dB")[i] = dy * ref_activate(a, kd(c, "kind"), 1);
    }
}
