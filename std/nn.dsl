/// Activations and normalisations. Elementwise functions work on any axes; the others name theirs.

const f32 SQRT_HALF = 0.7071067811865476;

/// x if positive, else 0; NaN stays NaN.
fn relu<T: float>(T x) -> T = max(x, T(0));
fn leaky_relu<T: float>(T x, T slope) -> T = x > 0 ? x : x * slope;
fn elu<T: float>(T x, T alpha) -> T = x > 0 ? x : alpha * expm1(x);
fn silu<T: float>(T x) -> T = x * sigmoid(x);
fn mish<T: float>(T x) -> T = x * tanh(softplus(x));
/// x times the normal distribution function: the exact form.
fn gelu<T: float>(T x) -> T = T(0.5) * x * erfc(-x * T(0.7071067811865476));
fn gelu_tanh<T: float>(T x) -> T = x * sigmoid(x * (T(1.5957691216057308) + T(0.07135481627260025) * (x * x)));
fn hard_sigmoid<T: float>(T x) -> T = clamp(x / T(6) + T(0.5), T(0), T(1));
fn hard_swish<T: float>(T x) -> T = x * hard_sigmoid(x);

fn softmax<T: float>(T x[j], axis j) -> T[j]
{
    let e = exp_sub(widen(x), max(widen(x), j));
    return T(e * (1 / sum(e, j))); // one division a row: docs/decisions/0022
}

fn log_softmax<T: float>(T x[j], axis j) -> T[j]
{
    let w = widen(x), top = max(w, j);
    return T(w - top - log(sum(exp_sub(w, top), j)));
}

fn logsumexp<T: float>(T x[j], axis j) -> wide(T)
{
    let top = max(widen(x), j);
    return top + log(sum(exp_sub(widen(x), top), j));
}

/// (x - mean) / sqrt(variance + eps), two passes.
fn normalize<T: float>(T x[j], axis j, f32 eps = 0.00001) -> T[j]
{
    let w = widen(x), d = w - mean(w, j);
    return T(d * rsqrt(mean(d * d, j) + eps));
}

fn layer_norm<T: float>(T x[j], T weight[j], T bias[j], axis j, f32 eps = 0.00001) -> T[j]
{
    let w = widen(x), d = w - mean(w, j);
    return T(d * rsqrt(mean(d * d, j) + eps) * widen(weight) + widen(bias));
}

fn rms_norm<T: float>(T x[j], T weight[j], axis j, f32 eps = 0.000001) -> T[j]
{
    let w = widen(x);
    return T(w * rsqrt(mean(w * w, j) + eps) * widen(weight));
}
