/// Constants and small functions.

const f64 PI = 3.141592653589793;
const f64 E = 2.718281828459045;
const f64 LOG2E = 1.4426950408889634;
const f64 LN2 = 0.6931471805599453;
const f64 SQRT2 = 1.4142135623730951;

fn square<T: num>(T x) -> T = x * x;
fn cube<T: num>(T x) -> T = x * x * x;
fn hypot<T: float>(T x, T y) -> T
{
    let a = max(abs(x), abs(y)), b = min(abs(x), abs(y)), r = b / a;
    return a == 0 ? a : a * sqrt(T(1) + r * r);
}
fn lerp<T: float>(T a, T b, T t) -> T = a + (b - a) * t;
fn degrees<T: float>(T x) -> T = x * T(57.29577951308232);
fn radians<T: float>(T x) -> T = x * T(0.017453292519943295);
fn logit<T: float>(T p) -> T = log(p / (T(1) - p));
/// Normal distribution function and density.
fn normal_cdf<T: float>(T x) -> T = T(0.5) * erfc(-x * T(0.7071067811865476));
fn normal_pdf<T: float>(T x) -> T = exp(x * x * T(-0.5)) * T(0.3989422804014327);
fn variance<T: float>(T x[j], axis j) -> wide(T)
{
    let w = widen(x), d = w - mean(w, j);
    return mean(d * d, j);
}
