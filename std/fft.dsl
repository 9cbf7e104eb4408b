/// Discrete Fourier transforms over a full axis.
///
/// fft(x, n, sign)[t] = sum over m of x[m] exp(sign 2 pi i m t / size); sign -1 forward, +1 backward without the factor 1 / size.

/// By the definition: any length, size terms per output, the angle reduced exactly in integers.
fn dft(c32 x[n], axis n, const int sign = -1) -> c32[n]
{
    axis m in n;
    let turn = f32(2 * sign * (m * n % n.size)) / f32(n.size);
    return sum(x[n = m] * cispi(turn), m);
}

private fn radix(const int n) -> int
    = n % 4 == 0 ? 4 : n % 2 == 0 ? 2 : n % 3 == 0 ? 3 : n % 5 == 0 ? 5 : n % 7 == 0 ? 7 : n % 11 == 0 ? 11 : n % 13 == 0 ? 13 : n;

/// One Stockham pass as a gather. With L = N / s left to transform and m = L / R: output q + s (R p + k) is
/// sum over r < R of x[q + s (p + m r)] exp(sign 2 pi i k (p + m r) / L).
private fn pass(c32 x[n], axis n, const int N, const int s, const int R, const int sign) -> c32[n]
{
    axis r in R;
    const int L = N / s;
    let k = n / s % R, from = n / (s * R) + L / R * r;
    let turn = f32(2 * sign * (k * from % L)) / f32(L);
    return sum(x[n = n % s + s * from] * cispi(turn), r);
}

/// Length N known at compile time, the extent of n: mixed radices 4, 2, 3, 5, 7, 11, 13, one more for what is left.
fn fft_const(c32 x[n], axis n, const int N, const int sign = -1) -> c32[n]
{
    c32 y[n] = x;
    unroll for (int s = 1; s < N; s *= radix(N / s)) y = pass(y, n, N, s, radix(N / s), sign);
    return y;
}

/// Any length, constant or not: see dft.
fn fft(c32 x[n], axis n, const int sign = -1) -> c32[n] = dft(x, n, sign);

/// The backward transform with the factor 1 / size.
fn ifft(c32 x[n], axis n) -> c32[n] = dft(x, n, 1) * complex(1 / f32(n.size), 0.0);
