/// Discrete Fourier transforms over a full axis.
///
/// fft(x, n, sign)[t] = sum over m of x[m] exp(sign 2 pi i m t / size); sign -1 forward, +1 backward without the factor 1 / size.
///
/// `passes` is the fast form: lengths 2^a 3^b 5^c 7^d known at compile time, twiddle factors from a table.
/// A pass takes what is left of the length, s R, and does the butterflies of radix R over its m = N / (s R) groups:
///
///     y[q + s (p + m r)] = sum over k < R of w^(p k) x[q + s (R p + k)] exp(sign 2 pi i k r / R),  w = exp(sign 2 pi i / (R m))
///
/// (Stockham's autosort algorithm, decimation in time.) q runs along memory, in lanes; the last pass has s = 1 and reads
/// columns. Its table is entry k m + p - 1, w^(p k) with 0 < k < R: all tables follow one another and have N - 1 entries together. W holds
/// N - 1 real parts, then N - 1 imaginary ones, so that a vector of them needs no shuffle.

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

/// Radix of the next pass when n is left: odd ones first, 8 last, as a whole vector of neighbours then belongs to each of
/// the passes before.
fn next_radix(const int n) -> int
    = n % 7 == 0 ? 7 : n % 5 == 0 ? 5 : n % 3 == 0 ? 3 : n % 16 != 0 ? n : n % 7 == 1 ? 8 : 4;

/// a b with two roundings less than the operator.
fn cmul<T: complex>(T a, T b) -> T = complex(re(a) * re(b) - im(a) * im(b), re(a) * im(b) + im(a) * re(b));

/// sign i a
fn quarter<T: complex>(T a, const int sign) -> T = sign < 0 ? complex(im(a), -re(a)) : complex(-im(a), re(a));

/// x[from], turned by a factor of the table unless all of this pass are 1.
private fn arm<T: complex, S: f32 | f64>(T x[n], axis n, in S W[NW], int from, int w, const int half, const bool turned) -> T
    = turned ? cmul(x[n = from], T(complex(W[w], W[half + w]))) : x[n = from];

private fn radix3<T: complex>(T a, T b, T c, const int sign) -> (T, T, T)
{
    let t = b + c, d = b - c;
    let m = complex(re(a) - 0.5 * re(t), im(a) - 0.5 * im(t));
    let v = quarter(complex(re(d) * 0.86602540378443864676, im(d) * 0.86602540378443864676), sign);
    return (a + t, m + v, m - v);
}

private fn radix4<T: complex>(T a, T b, T c, T d, const int sign) -> (T, T, T, T)
{
    let s = a + c, t = a - c, u = b + d, v = quarter(b - d, sign);
    return (s + u, t + v, s - u, t - v);
}

/// a + cos(2 pi / 5) t + cos(4 pi / 5) u
private fn cos5<T: complex>(T a, T t, T u) -> T
    = complex(re(a) + 0.30901699437494742410 * re(t) - 0.80901699437494742410 * re(u),
              im(a) + 0.30901699437494742410 * im(t) - 0.80901699437494742410 * im(u));

/// sin(2 pi / 5) t + sin(4 pi / 5) u
private fn sin5<T: complex>(T t, T u) -> T
    = complex(0.95105651629515357212 * re(t) + 0.58778525229247312917 * re(u),
              0.95105651629515357212 * im(t) + 0.58778525229247312917 * im(u));

private fn radix5<T: complex>(T a, T b, T c, T d, T e, const int sign) -> (T, T, T, T, T)
{
    let t = b + e, u = c + d, f = b - e, g = c - d;
    let m1 = cos5(a, t, u), m2 = cos5(a, u, t), v1 = quarter(sin5(f, g), sign), v2 = quarter(sin5(-g, f), sign);
    return (a + t + u, m1 + v1, m2 + v2, m2 - v2, m1 - v1);
}

/// a + cos(2 pi / 7) t + cos(4 pi / 7) u + cos(6 pi / 7) v
private fn cos7<T: complex>(T a, T t, T u, T v) -> T
    = complex(re(a) + 0.62348980185873353053 * re(t) - 0.22252093395631440429 * re(u) - 0.90096886790241912624 * re(v),
              im(a) + 0.62348980185873353053 * im(t) - 0.22252093395631440429 * im(u) - 0.90096886790241912624 * im(v));

/// sin(2 pi / 7) t + sin(4 pi / 7) u + sin(6 pi / 7) v
private fn sin7<T: complex>(T t, T u, T v) -> T
    = complex(0.78183148246802980871 * re(t) + 0.97492791218182360702 * re(u) + 0.43388373911755812048 * re(v),
              0.78183148246802980871 * im(t) + 0.97492791218182360702 * im(u) + 0.43388373911755812048 * im(v));

private fn radix7<T: complex>(T a, T b, T c, T d, T e, T f, T g, const int sign) -> (T, T, T, T, T, T, T)
{
    let t = b + g, u = c + f, v = d + e, h = b - g, i = c - f, j = d - e;
    let m1 = cos7(a, t, u, v), m2 = cos7(a, v, t, u), m3 = cos7(a, u, v, t);
    let s1 = quarter(sin7(h, i, j), sign), s2 = quarter(sin7(-j, h, -i), sign), s3 = quarter(sin7(-i, j, h), sign);
    return (a + t + u + v, m1 + s1, m2 + s2, m3 + s3, m3 - s3, m2 - s2, m1 - s1);
}

private fn radix8<T: complex>(T a, T b, T c, T d, T e, T f, T g, T h, const int sign) -> (T, T, T, T, T, T, T, T)
{
    let (p0, p1, p2, p3) = radix4(a, c, e, g, sign);
    let (q0, q1, q2, q3) = radix4(b, d, f, h, sign);
    let t1 = q1 + quarter(q1, sign), t3 = quarter(q3, sign) - q3, r2 = quarter(q2, sign);
    let r1 = complex(re(t1) * 0.70710678118654752440, im(t1) * 0.70710678118654752440);
    let r3 = complex(re(t3) * 0.70710678118654752440, im(t3) * 0.70710678118654752440);
    return (p0 + q0, p1 + r1, p2 + r2, p3 + r3, p0 - q0, p1 - r1, p2 - r2, p3 - r3);
}

private fn pass2<T: complex, S: f32 | f64>(T x[n], axis n, in S W[NW], const int m, const int s) -> T[n]
{
    axis p in m, q in s;
    let k = q + 2 * s * p, to = q + s * p, w = m - 1 + p;
    let a = x[n = k], b = arm(x, n, W, k + s, w, 2 * m * s - 1, m > 1);
    T y[n] = complex(0.0, 0.0);
    y[n = to] = a + b;
    y[n = to + s * m] = a - b;
    return y;
}

private fn pass3<T: complex, S: f32 | f64>(T x[n], axis n, in S W[NW], const int m, const int s, const int sign) -> T[n]
{
    axis p in m, q in s;
    const bool turned = m > 1;
    const int half = 3 * m * s - 1;
    let k = q + 3 * s * p, to = q + s * p, w = m - 1 + p;
    let (y0, y1, y2) = radix3(x[n = k], arm(x, n, W, k + s, w, half, turned), arm(x, n, W, k + 2 * s, w + m, half, turned), sign);
    T y[n] = complex(0.0, 0.0);
    y[n = to] = y0;
    y[n = to + s * m] = y1;
    y[n = to + 2 * s * m] = y2;
    return y;
}

private fn pass4<T: complex, S: f32 | f64>(T x[n], axis n, in S W[NW], const int m, const int s, const int sign) -> T[n]
{
    axis p in m, q in s;
    const bool turned = m > 1;
    const int half = 4 * m * s - 1;
    let k = q + 4 * s * p, to = q + s * p, w = m - 1 + p;
    let (y0, y1, y2, y3) = radix4(x[n = k], arm(x, n, W, k + s, w, half, turned), arm(x, n, W, k + 2 * s, w + m, half, turned),
                                  arm(x, n, W, k + 3 * s, w + 2 * m, half, turned), sign);
    T y[n] = complex(0.0, 0.0);
    y[n = to] = y0;
    y[n = to + s * m] = y1;
    y[n = to + 2 * s * m] = y2;
    y[n = to + 3 * s * m] = y3;
    return y;
}

private fn pass5<T: complex, S: f32 | f64>(T x[n], axis n, in S W[NW], const int m, const int s, const int sign) -> T[n]
{
    axis p in m, q in s;
    const bool turned = m > 1;
    const int half = 5 * m * s - 1;
    let k = q + 5 * s * p, to = q + s * p, w = m - 1 + p;
    let (y0, y1, y2, y3, y4) = radix5(x[n = k], arm(x, n, W, k + s, w, half, turned), arm(x, n, W, k + 2 * s, w + m, half, turned),
                                      arm(x, n, W, k + 3 * s, w + 2 * m, half, turned), arm(x, n, W, k + 4 * s, w + 3 * m, half, turned), sign);
    T y[n] = complex(0.0, 0.0);
    y[n = to] = y0;
    y[n = to + s * m] = y1;
    y[n = to + 2 * s * m] = y2;
    y[n = to + 3 * s * m] = y3;
    y[n = to + 4 * s * m] = y4;
    return y;
}

private fn pass7<T: complex, S: f32 | f64>(T x[n], axis n, in S W[NW], const int m, const int s, const int sign) -> T[n]
{
    axis p in m, q in s;
    const bool turned = m > 1;
    const int half = 7 * m * s - 1;
    let k = q + 7 * s * p, to = q + s * p, w = m - 1 + p;
    let (y0, y1, y2, y3, y4, y5, y6) =
        radix7(x[n = k], arm(x, n, W, k + s, w, half, turned), arm(x, n, W, k + 2 * s, w + m, half, turned),
               arm(x, n, W, k + 3 * s, w + 2 * m, half, turned), arm(x, n, W, k + 4 * s, w + 3 * m, half, turned),
               arm(x, n, W, k + 5 * s, w + 4 * m, half, turned), arm(x, n, W, k + 6 * s, w + 5 * m, half, turned), sign);
    T y[n] = complex(0.0, 0.0);
    y[n = to] = y0;
    y[n = to + s * m] = y1;
    y[n = to + 2 * s * m] = y2;
    y[n = to + 3 * s * m] = y3;
    y[n = to + 4 * s * m] = y4;
    y[n = to + 5 * s * m] = y5;
    y[n = to + 6 * s * m] = y6;
    return y;
}

private fn pass8<T: complex, S: f32 | f64>(T x[n], axis n, in S W[NW], const int m, const int s, const int sign) -> T[n]
{
    axis p in m, q in s;
    const bool turned = m > 1;
    const int half = 8 * m * s - 1;
    let k = q + 8 * s * p, to = q + s * p, w = m - 1 + p;
    let (y0, y1, y2, y3, y4, y5, y6, y7) =
        radix8(x[n = k], arm(x, n, W, k + s, w, half, turned), arm(x, n, W, k + 2 * s, w + m, half, turned),
               arm(x, n, W, k + 3 * s, w + 2 * m, half, turned), arm(x, n, W, k + 4 * s, w + 3 * m, half, turned),
               arm(x, n, W, k + 5 * s, w + 4 * m, half, turned), arm(x, n, W, k + 6 * s, w + 5 * m, half, turned),
               arm(x, n, W, k + 7 * s, w + 6 * m, half, turned), sign);
    T y[n] = complex(0.0, 0.0);
    y[n = to] = y0;
    y[n = to + s * m] = y1;
    y[n = to + 2 * s * m] = y2;
    y[n = to + 3 * s * m] = y3;
    y[n = to + 4 * s * m] = y4;
    y[n = to + 5 * s * m] = y5;
    y[n = to + 6 * s * m] = y6;
    y[n = to + 7 * s * m] = y7;
    return y;
}

private fn pass_of<T: complex, S: f32 | f64>(T x[n], axis n, in S W[NW], const int R, const int m, const int s, const int sign) -> T[n]
{
    T y[n] = x;
    if const (R == 2) y = pass2(x, n, W, m, s);
    if const (R == 3) y = pass3(x, n, W, m, s, sign);
    if const (R == 4) y = pass4(x, n, W, m, s, sign);
    if const (R == 5) y = pass5(x, n, W, m, s, sign);
    if const (R == 7) y = pass7(x, n, W, m, s, sign);
    if const (R == 8) y = pass8(x, n, W, m, s, sign);
    return y;
}

/// The transform of length N, the extent of n, by passes of radix 2 to 8; W is the table described above.
fn passes<T: complex, S: f32 | f64>(T x[n], axis n, in S W[NW], const int N, const int sign) -> T[n]
{
    T y[n] = x;
    unroll for (int s = N; s > 1; s /= next_radix(s)) y = pass_of(y, n, W, next_radix(s), N / s, s / next_radix(s), sign);
    return y;
}
