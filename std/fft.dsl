/// Discrete Fourier transforms over a full axis, by the definition: any length, O(n) terms per output.

/// sum over m of x[m] exp(sign 2 pi i m n / size); sign -1 forward, +1 backward without the factor 1/n.
fn fft(c32 x[n], axis n, const int sign = -1) -> c32[n]
{
    axis m in n;
    let turn = f32(2 * sign * (m * n % n.size)) / f32(n.size);
    return sum(x[n = m] * cispi(turn), m);
}
