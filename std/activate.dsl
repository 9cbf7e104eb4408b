/// Activations chosen by a constant, and their derivatives; the numbers are those of tg_activation in tegula/ops.h.
/// x and the result are f32 or f64: a kernel widens first. `alpha` is the slope of leaky_relu and the scale of elu.

import "std/nn" as nn;

const int RELU = 1;
const int GELU = 2;
const int GELU_TANH = 3;
const int SILU = 4;
const int SIGMOID = 5;
const int TANH = 6;
const int SOFTPLUS = 7;
const int MISH = 8;
const int LEAKY_RELU = 9;
const int ELU = 10;
const int HARD_SIGMOID = 11;
const int HARD_SWISH = 12;

fn activate<T: float>(T x, const int kind, T alpha) -> T
{
    if const (kind == RELU) return nn.relu(x);
    if const (kind == GELU) return nn.gelu(x);
    if const (kind == GELU_TANH) return nn.gelu_tanh(x);
    if const (kind == SILU) return nn.silu(x);
    if const (kind == SIGMOID) return sigmoid(x);
    if const (kind == TANH) return tanh(x);
    if const (kind == SOFTPLUS) return softplus(x);
    if const (kind == MISH) return nn.mish(x);
    if const (kind == LEAKY_RELU) return nn.leaky_relu(x, alpha);
    if const (kind == ELU) return nn.elu(x, alpha);
    if const (kind == HARD_SIGMOID) return nn.hard_sigmoid(x);
    if const (kind == HARD_SWISH) return nn.hard_swish(x);
    return x;
}

private fn gelu_slope<T: float>(T x) -> T
    = T(0.5) * erfc(-x * T(0.7071067811865476)) + x * (exp(x * x * T(-0.5)) * T(0.3989422804014327));

private fn gelu_tanh_slope<T: float>(T x) -> T
{
    let u = T(1.5957691216057308) * (x + T(0.044715) * (x * x * x)), du = T(1.5957691216057308) * (T(1) + T(0.134145) * (x * x));
    let s = sigmoid(u);
    return s + x * du * (s * sigmoid(-u));
}

private fn mish_slope<T: float>(T x) -> T
{
    let t = tanh(softplus(x));
    return t + x * sigmoid(x) * (T(1) - t * t);
}

/// d activate(x) / dx; at a corner the value from the left.
fn activate_slope<T: float>(T x, const int kind, T alpha) -> T
{
    let s = sigmoid(x);
    if const (kind == RELU) return x > 0 ? T(1) : T(0);
    if const (kind == GELU) return gelu_slope(x);
    if const (kind == GELU_TANH) return gelu_tanh_slope(x);
    if const (kind == SILU) return s + x * (s * sigmoid(-x));
    if const (kind == SIGMOID) return s * sigmoid(-x);
    if const (kind == TANH) { let t = tanh(x); return T(1) - t * t; }
    if const (kind == SOFTPLUS) return s;
    if const (kind == MISH) return mish_slope(x);
    if const (kind == LEAKY_RELU) return x > 0 ? T(1) : alpha;
    if const (kind == ELU) return x > 0 ? T(1) : alpha * exp(x);
    if const (kind == HARD_SIGMOID) return x > -3 && x <= 3 ? T(1) / T(6) : T(0);
    if const (kind == HARD_SWISH) return x > 3 ? T(1) : x > -3 ? x / T(3) + T(0.5) : T(0);
    return T(1);
}
