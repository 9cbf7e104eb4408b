/// Discrete Fourier transforms over a full axis.
///
/// fft(x, n, sign)[t] = sum over m of x[m] exp(sign 2 pi i m t / size); sign -1 forward, +1 backward without the factor 1 / size.
///
/// `passes` is the fast form: lengths whose prime factors are at most 13, known at compile time, twiddle factors from a table.
/// A pass takes what is left of the length, s R, and does the butterflies of radix R over its m = N / (s R) groups:
///
///     y[q + s (p + m r)] = sum over k < R of w^(p k) x[q + s (R p + k)] exp(sign 2 pi i k r / R),  w = exp(sign 2 pi i / (R m))
///
/// (Stockham's autosort algorithm, decimation in time.) q runs along memory, in lanes; the last pass has s = 1 and reads
/// columns. Its table is entry k m + p - 1, w^(p k) with 0 < k < R: all tables follow one another and have N - 1 entries together. W holds
/// N - 1 real parts, then N - 1 imaginary ones, so that a vector of them needs no shuffle.
///
/// Radices 2 to 16 are levels of pairs, a + f b and a - f b. With f = c (1 + i t) a pair is six fused multiply-adds, where a product, a sum and
/// a difference are eight. All pairs of a level have the same factor but for powers of the R-th root of one, half of which are a quarter of a
/// turn more than the others: radix 8 takes 4 factors and 72 instructions instead of 7 and 84. In their tables, which hold c, then t, entry
/// m + p - 1 is w^(p R / 2), that of the first level, entry 2 m + p - 1 w^(p R / 4), entries 3 m + p - 1 and
/// 4 m + p - 1 w^(p R / 8) and the same an eighth of a turn on, the next four w^(p R / 16) and one, two, three sixteenths on. (S. Goedecker, Fast radix 2, 3, 4,
/// and 5 kernels for fast Fourier transformations on computers with overlapping multiply-add instructions, SIAM J. Sci. Comput. 18, 1997.)

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

/// Radix of the next pass when n of N are left: odd ones first, then powers of two, of which the last is 8 or, if `last` is 16 and there are that
/// many lanes to fill, 16: as many neighbours, a whole vector, belong to each of the passes before. `last` 24 is 8 with one pass of 16, which takes the
/// place of two of 4.
fn next_radix(const int n, const int N, const int last) -> int
    = n % 13 == 0 ? 13 : n % 11 == 0 ? 11 : n % 7 == 0 ? 7 : n % 5 == 0 ? 5 : n % 3 == 0 ? 3 : last == 16 && N % 16 == 0 && N >= 256 ? before16(n, n / 16)
    : n % 16 != 0 ? n : n % 7 == 1 ? 8 : last == 24 && n % 7 == 2 && n > 16 ? 16 : 4;

/// Of n = 16 q; a power of two that is 1 modulo 7 is one of 8.
private fn before16(const int n, const int q) -> int = n <= 16 ? n : q % 7 == 1 ? 8 : q < 4 ? q : q % 7 == 2 || q == 256 ? 16 : 4;

/// a b with two roundings less than the operator.
fn cmul<T: complex>(T a, T b) -> T = complex(re(a) * re(b) - im(a) * im(b), re(a) * im(b) + im(a) * re(b));

/// sign i a
fn quarter<T: complex>(T a, const int sign) -> T
{
    T y = a;
    if const (sign < 0) y = complex(im(a), -re(a));
    if const (sign > 0) y = complex(-im(a), re(a));
    return y;
}

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

/// a + the sum of cos(2 pi j / 11) t{j}
private fn cos11<T: complex>(T a, T t1, T t2, T t3, T t4, T t5) -> T
    = complex(re(a) + 0.84125353283118116886 * re(t1) + 0.41541501300188642553 * re(t2) - 0.14231483827328514044 * re(t3) - 0.65486073394528506406 * re(t4) - 0.95949297361449738989 * re(t5),
              im(a) + 0.84125353283118116886 * im(t1) + 0.41541501300188642553 * im(t2) - 0.14231483827328514044 * im(t3) - 0.65486073394528506406 * im(t4) - 0.95949297361449738989 * im(t5));

/// The sum of sin(2 pi j / 11) d{j}
private fn sin11<T: complex>(T d1, T d2, T d3, T d4, T d5) -> T
    = complex(0.54064081745559758211 * re(d1) + 0.90963199535451837141 * re(d2) + 0.98982144188093273238 * re(d3) + 0.75574957435425828377 * re(d4) + 0.28173255684142969771 * re(d5),
              0.54064081745559758211 * im(d1) + 0.90963199535451837141 * im(d2) + 0.98982144188093273238 * im(d3) + 0.75574957435425828377 * im(d4) + 0.28173255684142969771 * im(d5));

private fn radix11<T: complex>(T x0, T x1, T x2, T x3, T x4, T x5, T x6, T x7, T x8, T x9, T x10, const int sign)
    -> (T, T, T, T, T, T, T, T, T, T, T)
{
    let t1 = x1 + x10, t2 = x2 + x9, t3 = x3 + x8, t4 = x4 + x7, t5 = x5 + x6;
    let d1 = x1 - x10, d2 = x2 - x9, d3 = x3 - x8, d4 = x4 - x7, d5 = x5 - x6;
    let m1 = cos11(x0, t1, t2, t3, t4, t5), s1 = quarter(sin11(d1, d2, d3, d4, d5), sign);
    let m2 = cos11(x0, t5, t1, t4, t2, t3), s2 = quarter(sin11(-d5, d1, -d4, d2, -d3), sign);
    let m3 = cos11(x0, t4, t3, t1, t5, t2), s3 = quarter(sin11(d4, -d3, d1, d5, -d2), sign);
    let m4 = cos11(x0, t3, t5, t2, t1, t4), s4 = quarter(sin11(d3, -d5, -d2, d1, d4), sign);
    let m5 = cos11(x0, t2, t4, t5, t3, t1), s5 = quarter(sin11(-d2, -d4, d5, d3, d1), sign);
    return (x0 + t1 + t2 + t3 + t4 + t5, m1 + s1, m2 + s2, m3 + s3, m4 + s4, m5 + s5, m5 - s5, m4 - s4, m3 - s3, m2 - s2, m1 - s1);
}

/// a + the sum of cos(2 pi j / 13) t{j}
private fn cos13<T: complex>(T a, T t1, T t2, T t3, T t4, T t5, T t6) -> T
    = complex(re(a) + 0.8854560256532098959 * re(t1) + 0.56806474673115580251 * re(t2) + 0.12053668025532305335 * re(t3) - 0.35460488704253562597 * re(t4) - 0.74851074817110109863 * re(t5) - 0.97094181742605202716 * re(t6),
              im(a) + 0.8854560256532098959 * im(t1) + 0.56806474673115580251 * im(t2) + 0.12053668025532305335 * im(t3) - 0.35460488704253562597 * im(t4) - 0.74851074817110109863 * im(t5) - 0.97094181742605202716 * im(t6));

/// The sum of sin(2 pi j / 13) d{j}
private fn sin13<T: complex>(T d1, T d2, T d3, T d4, T d5, T d6) -> T
    = complex(0.46472317204376854566 * re(d1) + 0.82298386589365639458 * re(d2) + 0.9927088740980539928 * re(d3) + 0.93501624268541482344 * re(d4) + 0.66312265824079520238 * re(d5) + 0.23931566428755776715 * re(d6),
              0.46472317204376854566 * im(d1) + 0.82298386589365639458 * im(d2) + 0.9927088740980539928 * im(d3) + 0.93501624268541482344 * im(d4) + 0.66312265824079520238 * im(d5) + 0.23931566428755776715 * im(d6));

private fn radix13<T: complex>(T x0, T x1, T x2, T x3, T x4, T x5, T x6, T x7, T x8, T x9, T x10, T x11, T x12, const int sign)
    -> (T, T, T, T, T, T, T, T, T, T, T, T, T)
{
    let t1 = x1 + x12, t2 = x2 + x11, t3 = x3 + x10, t4 = x4 + x9, t5 = x5 + x8, t6 = x6 + x7;
    let d1 = x1 - x12, d2 = x2 - x11, d3 = x3 - x10, d4 = x4 - x9, d5 = x5 - x8, d6 = x6 - x7;
    let m1 = cos13(x0, t1, t2, t3, t4, t5, t6), s1 = quarter(sin13(d1, d2, d3, d4, d5, d6), sign);
    let m2 = cos13(x0, t6, t1, t5, t2, t4, t3), s2 = quarter(sin13(-d6, d1, -d5, d2, -d4, d3), sign);
    let m3 = cos13(x0, t4, t5, t1, t3, t6, t2), s3 = quarter(sin13(-d4, d5, d1, -d3, d6, d2), sign);
    let m4 = cos13(x0, t3, t6, t4, t1, t2, t5), s4 = quarter(sin13(-d3, -d6, d4, d1, -d2, -d5), sign);
    let m5 = cos13(x0, t5, t3, t2, t6, t1, t4), s5 = quarter(sin13(-d5, d3, -d2, d6, d1, -d4), sign);
    let m6 = cos13(x0, t2, t4, t6, t5, t3, t1), s6 = quarter(sin13(-d2, -d4, -d6, d5, d3, d1), sign);
    return (x0 + t1 + t2 + t3 + t4 + t5 + t6, m1 + s1, m2 + s2, m3 + s3, m4 + s4, m5 + s5, m6 + s6, m6 - s6, m5 - s5, m4 - s4, m3 - s3, m2 - s2, m1 - s1);
}

/// c and t of a level of pairs; `first` in the first pass.
private fn factor<T: complex, S: f32 | f64>(T first, in S W[NW], int w, const int half, const bool turned) -> T
    = turned ? T(complex(W[w], W[half + w])) : first;

/// a + f b and a - f b. The second is 2 a minus the first: then no register is copied, as both may be overwritten.
private fn pair<T: complex>(T a, T b, T f, const bool turned) -> (T, T)
{
    T y = a, z = b;
    if const (!turned) {
        y = a + b;
        z = a - b;
    }
    if const (turned) {
        let d = complex(re(b) - im(f) * im(b), im(b) + im(f) * re(b));
        y = complex(re(a) + re(f) * re(d), im(a) + re(f) * im(d));
        z = complex(2.0 * re(a) - re(y), 2.0 * im(a) - im(y));
    }
    return (y, z);
}

/// Two levels of pairs.
private fn radix4<T: complex>(T a, T b, T c, T d, T f, T g, const int sign, const bool turned) -> (T, T, T, T)
{
    let (s, t) = pair(a, c, f, turned);
    let (u, v) = pair(b, d, f, turned);
    let (y0, y2) = pair(s, u, g, turned);
    let (y1, y3) = pair(t, quarter(v, sign), g, turned);
    return (y0, y1, y2, y3);
}

private fn pass2<T: complex, S: f32 | f64>(T x[n], axis n, in S W[NW], const int m, const int s) -> T[n]
{
    axis p in m, q in s;
    let k = q + 2 * s * p, to = q + s * p;
    T one = complex(1.0, 0.0);
    let (y0, y1) = pair(x[n = k], x[n = k + s], factor(one, W, m - 1 + p, 2 * m * s - 1, m > 1), m > 1);
    T y[n] = complex(0.0, 0.0);
    y[n = to] = y0;
    y[n = to + s * m] = y1;
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
    T one = complex(1.0, 0.0);
    let f = factor(one, W, w, half, turned), g = factor(one, W, w + m, half, turned);
    let (y0, y1, y2, y3) = radix4(x[n = k], x[n = k + s], x[n = k + 2 * s], x[n = k + 3 * s], f, g, sign, turned);
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

private fn pass11<T: complex, S: f32 | f64>(T x[n], axis n, in S W[NW], const int m, const int s, const int sign) -> T[n]
{
    axis p in m, q in s;
    const bool turned = m > 1;
    const int half = 11 * m * s - 1;
    let k = q + 11 * s * p, to = q + s * p, w = m - 1 + p;
    let (y0, y1, y2, y3, y4, y5, y6, y7, y8, y9, y10) =
        radix11(x[n = k], arm(x, n, W, k + s, w, half, turned), arm(x, n, W, k + 2 * s, w + m, half, turned), arm(x, n, W, k + 3 * s, w + 2 * m, half, turned),
               arm(x, n, W, k + 4 * s, w + 3 * m, half, turned), arm(x, n, W, k + 5 * s, w + 4 * m, half, turned), arm(x, n, W, k + 6 * s, w + 5 * m, half, turned),
               arm(x, n, W, k + 7 * s, w + 6 * m, half, turned), arm(x, n, W, k + 8 * s, w + 7 * m, half, turned), arm(x, n, W, k + 9 * s, w + 8 * m, half, turned),
               arm(x, n, W, k + 10 * s, w + 9 * m, half, turned), sign);
    T y[n] = complex(0.0, 0.0);
    y[n = to] = y0;
    y[n = to + s * m] = y1;
    y[n = to + 2 * s * m] = y2;
    y[n = to + 3 * s * m] = y3;
    y[n = to + 4 * s * m] = y4;
    y[n = to + 5 * s * m] = y5;
    y[n = to + 6 * s * m] = y6;
    y[n = to + 7 * s * m] = y7;
    y[n = to + 8 * s * m] = y8;
    y[n = to + 9 * s * m] = y9;
    y[n = to + 10 * s * m] = y10;
    return y;
}

private fn pass13<T: complex, S: f32 | f64>(T x[n], axis n, in S W[NW], const int m, const int s, const int sign) -> T[n]
{
    axis p in m, q in s;
    const bool turned = m > 1;
    const int half = 13 * m * s - 1;
    let k = q + 13 * s * p, to = q + s * p, w = m - 1 + p;
    let (y0, y1, y2, y3, y4, y5, y6, y7, y8, y9, y10, y11, y12) =
        radix13(x[n = k], arm(x, n, W, k + s, w, half, turned), arm(x, n, W, k + 2 * s, w + m, half, turned), arm(x, n, W, k + 3 * s, w + 2 * m, half, turned),
               arm(x, n, W, k + 4 * s, w + 3 * m, half, turned), arm(x, n, W, k + 5 * s, w + 4 * m, half, turned), arm(x, n, W, k + 6 * s, w + 5 * m, half, turned),
               arm(x, n, W, k + 7 * s, w + 6 * m, half, turned), arm(x, n, W, k + 8 * s, w + 7 * m, half, turned), arm(x, n, W, k + 9 * s, w + 8 * m, half, turned),
               arm(x, n, W, k + 10 * s, w + 9 * m, half, turned), arm(x, n, W, k + 11 * s, w + 10 * m, half, turned), arm(x, n, W, k + 12 * s, w + 11 * m, half, turned), sign);
    T y[n] = complex(0.0, 0.0);
    y[n = to] = y0;
    y[n = to + s * m] = y1;
    y[n = to + 2 * s * m] = y2;
    y[n = to + 3 * s * m] = y3;
    y[n = to + 4 * s * m] = y4;
    y[n = to + 5 * s * m] = y5;
    y[n = to + 6 * s * m] = y6;
    y[n = to + 7 * s * m] = y7;
    y[n = to + 8 * s * m] = y8;
    y[n = to + 9 * s * m] = y9;
    y[n = to + 10 * s * m] = y10;
    y[n = to + 11 * s * m] = y11;
    y[n = to + 12 * s * m] = y12;
    return y;
}

/// Three levels: factors f and g of radix 4, h and h times an eighth of a turn.
private fn radix8<T: complex>(T x0, T x1, T x2, T x3, T x4, T x5, T x6, T x7, T f, T g, T h, T e, const int sign, const bool turned)
    -> (T, T, T, T, T, T, T, T)
{
    let (a0, a1, a2, a3) = radix4(x0, x2, x4, x6, f, g, sign, turned);
    let (b0, b1, b2, b3) = radix4(x1, x3, x5, x7, f, g, sign, turned);
    let (y0, y4) = pair(a0, b0, h, turned);
    let (y1, y5) = pair(a1, b1, e, true);
    let (y2, y6) = pair(a2, quarter(b2, sign), h, turned);
    let (y3, y7) = pair(a3, quarter(b3, sign), e, true);
    return (y0, y1, y2, y3, y4, y5, y6, y7);
}

private fn pass8<T: complex, S: f32 | f64>(T x[n], axis n, in S W[NW], const int m, const int s, const int sign) -> T[n]
{
    axis p in m, q in s;
    const bool turned = m > 1;
    const int half = 8 * m * s - 1;
    let k = q + 8 * s * p, to = q + s * p, w = m - 1 + p;
    const f64 back = sign < 0 ? -1.0 : 1.0;
    T one = complex(1.0, 0.0), eighth = T(complex(0.70710678118654752440, back));
    let f = factor(one, W, w, half, turned), g = factor(one, W, w + m, half, turned), h = factor(one, W, w + 2 * m, half, turned);
    let e = factor(eighth, W, w + 3 * m, half, turned);
    let (y0, y1, y2, y3, y4, y5, y6, y7) = radix8(x[n = k], x[n = k + s], x[n = k + 2 * s], x[n = k + 3 * s], x[n = k + 4 * s], x[n = k + 5 * s],
                                                  x[n = k + 6 * s], x[n = k + 7 * s], f, g, h, e, sign, turned);
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

private fn pass16<T: complex, S: f32 | f64>(T x[n], axis n, in S W[NW], const int m, const int s, const int sign) -> T[n]
{
    axis p in m, q in s;
    const bool turned = m > 1;
    const int half = 16 * m * s - 1;
    const f64 back = sign < 0 ? -1.0 : 1.0;
    let k = q + 16 * s * p, to = q + s * p, w = m - 1 + p;
    T one = complex(1.0, 0.0), eighth = T(complex(0.70710678118654752440, back));
    T first = T(complex(0.92387953251128675613, back * 0.41421356237309504880));
    T third = T(complex(0.38268343236508977173, back * 2.41421356237309504880));
    let f = factor(one, W, w, half, turned), g = factor(one, W, w + m, half, turned), h = factor(one, W, w + 2 * m, half, turned);
    let e = factor(eighth, W, w + 3 * m, half, turned);
    let (a0, a1, a2, a3, a4, a5, a6, a7) = radix8(x[n = k], x[n = k + 2 * s], x[n = k + 4 * s], x[n = k + 6 * s], x[n = k + 8 * s], x[n = k + 10 * s],
                                                  x[n = k + 12 * s], x[n = k + 14 * s], f, g, h, e, sign, turned);
    let (b0, b1, b2, b3, b4, b5, b6, b7) = radix8(x[n = k + s], x[n = k + 3 * s], x[n = k + 5 * s], x[n = k + 7 * s], x[n = k + 9 * s], x[n = k + 11 * s],
                                                  x[n = k + 13 * s], x[n = k + 15 * s], f, g, h, e, sign, turned);
    let h0 = factor(one, W, w + 4 * m, half, turned), h1 = factor(first, W, w + 5 * m, half, turned);
    let h2 = factor(eighth, W, w + 6 * m, half, turned), h3 = factor(third, W, w + 7 * m, half, turned);
    let (y0, y8) = pair(a0, b0, h0, turned);
    let (y1, y9) = pair(a1, b1, h1, true);
    let (y2, y10) = pair(a2, b2, h2, true);
    let (y3, y11) = pair(a3, b3, h3, true);
    let (y4, y12) = pair(a4, quarter(b4, sign), h0, turned);
    let (y5, y13) = pair(a5, quarter(b5, sign), h1, true);
    let (y6, y14) = pair(a6, quarter(b6, sign), h2, true);
    let (y7, y15) = pair(a7, quarter(b7, sign), h3, true);
    T y[n] = complex(0.0, 0.0);
    y[n = to] = y0;
    y[n = to + s * m] = y1;
    y[n = to + 2 * s * m] = y2;
    y[n = to + 3 * s * m] = y3;
    y[n = to + 4 * s * m] = y4;
    y[n = to + 5 * s * m] = y5;
    y[n = to + 6 * s * m] = y6;
    y[n = to + 7 * s * m] = y7;
    y[n = to + 8 * s * m] = y8;
    y[n = to + 9 * s * m] = y9;
    y[n = to + 10 * s * m] = y10;
    y[n = to + 11 * s * m] = y11;
    y[n = to + 12 * s * m] = y12;
    y[n = to + 13 * s * m] = y13;
    y[n = to + 14 * s * m] = y14;
    y[n = to + 15 * s * m] = y15;
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
    if const (R == 11) y = pass11(x, n, W, m, s, sign);
    if const (R == 13) y = pass13(x, n, W, m, s, sign);
    if const (R == 16) y = pass16(x, n, W, m, s, sign);
    return y;
}

/// The transform of length N, the extent of n, by passes of radix 2 to 16, see next_radix; W is the table described above.
fn passes<T: complex, S: f32 | f64>(T x[n], axis n, in S W[NW], const int N, const int sign, const int last = 8) -> T[n]
{
    T y[n] = x;
    unroll for (int s = N; s > 1; s /= next_radix(s, N, last))
        y = pass_of(y, n, W, next_radix(s, N, last), N / s, s / next_radix(s, N, last), sign);
    return y;
}
