/// Fourier transforms: the kernels that tg_fft_execute puts together (stdlib/fft_plan.c). Lengths are constants, factors from tables,
/// real and imaginary parts apart.
import "std/fft": passes, cmul;

/// y k for a real k of y's kind
private fn scaled<T: complex>(T y, const f64 k) -> T = complex(re(y) * re(T(complex(k, 0.0))), im(y) * re(T(complex(k, 0.0))));

/// The same for a k that is not known before the launch.
private fn scaled_by<T: complex>(T y, f64 k) -> T = complex(re(y) * re(T(complex(k, 0.0))), im(y) * re(T(complex(k, 0.0))));

/// y times the product of the factors F[i, j] and G[k, l], of which imaginary parts are `half` rows below.
private fn turned<T: complex, S: f32 | f64>(T y, in S F[FI, FJ], int i, int j, in S G[GI, GJ], int k, int l, const int half) -> T
    = cmul(y, cmul(T(complex(F[i, j], F[half + i, j])), T(complex(G[k, l], G[half + k, l]))));

/// W[n] = exp(step pi i n^2 / N) with n^2 reduced modulo 2 N: the chirp of Bluestein's algorithm.
kernel fft_chirp<T: complex>(out T W[N], const int sign = -1)
{
    grid (n in N) W[n] = T(cispi(f64(sign * (n * n % (2 * N))) / f64(N)));
}

schedule fft_chirp { vector(n) = 4; }

/// Rows of length N: Y[a, c] = the transform of X[a, c]; `normalise` divides by N.
kernel fft_rows<T: complex, S: f32 | f64>(in T X[A, C, const N], in S W[NW], out T Y[A, C, const N], const int sign = -1, const bool normalise = false, const int last = 8)
    where NW == 2 * N - 2
{
    grid (each a in A, each c in C) {
        axis n in N;
        let y = passes(X[a, c, n], n, W, N, sign, last);
        Y[a, c, n] = normalise ? scaled(y, 1 / f64(N)) : y;
    }
}

/// The same for rows in groups of L, a few that are side by side in lanes: row L c + r is X[a, c, r].
kernel fft_beside<T: complex, S: f32 | f64>(in T X[A, C, const L, const N], in S W[NW], out T Y[A, C, const L, const N], const int sign = -1, const bool normalise = false, const int last = 8)
    where NW == 2 * N - 2
{
    grid (each a in A, each c in C) {
        axis r in L, n in N;
        let y = passes(X[a, c, r, n], n, W, N, sign, last);
        Y[a, c, r, n] = normalise ? scaled(y, 1 / f64(N)) : y;
    }
}

/// Rows in groups of L, a row in each lane: row L c + r is X[a, c] from N r on, so that all distances are constants. No pass needs a shuffle. Pairs
/// are parted as they are read, one of each row, and the last pass is turned over from a buffer, four rows at a time.
kernel fft_across<T: complex, S: f32 | f64>(in T X[A, C, const LN], in S W[NW], inout T Y[A, C, const L, const N], const int sign = -1, const bool normalise = false, const int last = 8)
    where NW == 2 * N - 2, N > 1, LN == L * N, L == 4 * ceil_div(L, 4)
{
    grid (each a in A, each c in C) {
        axis r in L, n in N, k in L / 4;
        T y[r, n] = passes(X[a, c, N * r + n], n, W, N, sign, last);
        unroll for (int j = 0; j < 4; j += 1) {
            let z = y[r = 4 * k + j];
            unchecked Y[a, c, 4 * k + j, n] = normalise ? scaled(z, 1 / f64(N)) : z; // below L, which is a multiple of 4
        }
    }
}
schedule fft_across { vector(r) = 8; vector(n) = 8; }

/// Along the middle dimension: any number of columns.
kernel fft_columns<T: complex, S: f32 | f64>(in T X[A, const N, C], in S W[NW], out T Y[A, const N, C], const int sign = -1, const bool normalise = false, const int last = 8)
    where NW == 2 * N - 2
{
    grid (each a in A, c in C) {
        axis n in N;
        let y = passes(X[a, n, c], n, W, N, sign, last);
        Y[a, n, c] = normalise ? scaled(y, 1 / f64(N)) : y;
    }
}

/// The same for columns in groups of L, which are side by side in lanes, whole cache lines: column L c + r is X[a, n, c, r].
kernel fft_lines<T: complex, S: f32 | f64>(in T X[A, const N, C, const L], in S W[NW], out T Y[A, const N, C, const L], const int sign = -1, const bool normalise = false, const int last = 8)
    where NW == 2 * N - 2
{
    grid (each a in A, each c in C) {
        axis r in L, n in N;
        let y = passes(X[a, n, c, r], n, W, N, sign, last);
        Y[a, n, c, r] = normalise ? scaled(y, 1 / f64(N)) : y;
    }
}
schedule fft_lines { vector(r) = 16; }

/// fft_columns in place.
kernel fft_columns_in_place<T: complex, S: f32 | f64>(in S W[NW], inout T Y[A, const N, C], const int sign = -1, const bool normalise = false, const int last = 8)
    where NW == 2 * N - 2
{
    grid (each a in A, c in C) {
        axis n in N;
        let y = passes(Y[a, n, c], n, W, N, sign, last);
        Y[a, n, c] = normalise ? scaled(y, 1 / f64(N)) : y;
    }
}

/// fft_lines in place.
kernel fft_lines_in_place<T: complex, S: f32 | f64>(in S W[NW], inout T Y[A, const N, C, const L], const int sign = -1, const bool normalise = false, const int last = 8)
    where NW == 2 * N - 2
{
    grid (each a in A, each c in C) {
        axis r in L, n in N;
        let y = passes(Y[a, n, c, r], n, W, N, sign, last);
        Y[a, n, c, r] = normalise ? scaled(y, 1 / f64(N)) : y;
    }
}
schedule fft_lines_in_place { vector(r) = 16; }

/// Planes of two short dimensions, each in one instance: rows to a buffer, columns from there.
kernel fft_planes<T: complex, S: f32 | f64>(in T X[A, const M, const N], in S WM[MW], in S WN[NW], out T Y[A, const M, const N], const int sign = -1, const bool normalise = false, const int last = 8)
    where MW == 2 * M - 2, NW == 2 * N - 2
{
    grid (each a in A) {
        axis m in M, n in N;
        T rows[m, n] = passes(X[a, m, n], n, WN, N, sign, last);
        let y = passes(rows, m, WM, M, sign, last);
        Y[a, m, n] = normalise ? scaled(y, 1 / f64(M * N)) : y;
    }
}

/// A transform of length P Q is two passes over memory, each of L columns at a time, whole cache lines and vectors. They are kernels of their own,
/// so that they compile side by side. The first: columns of the P x Q matrix X, times exp(sign 2 pi i p q / (P Q)), left so that the lines of an
/// instance of the second one are together. The factor of p = L h + l is FB[q, h] = exp(sign 2 pi i L h q / (P Q)) times
/// FR[q, l] = exp(sign 2 pi i l q / (P Q)). Lanes are columns up to the last pass and rows from there on, in blocks of L x L, which are turned over
/// four columns at a time: stores of one number each to L lines took longer than all passes. Z has more columns than X, so that blocks are
/// whole, and keeps what it has beyond P.
kernel fft_split<T: complex, S: f32 | f64>(in T X[A, C, const P, const Q], in S W[NW], in S FB[QQ, const PB], in S FR[QQ, const L],
                                           inout T Z[A, C, const PB, const QL, const L], const int sign = -1, const int last = 8)
    where NW == 2 * P - 2, PB == ceil_div(P, L), QL == L * ceil_div(Q, L), QQ == 2 * QL
{
    grid (each a in A, each c in C, each b in ceil_div(Q, L)) {
        axis r in L, p in P, k in L / 4, h in P / L, l in L;
        T y[r, p] = passes(X[a, c, p, b * L + r], p, W, P, sign, last);
        unroll for (int j = 0; j < 4; j += 1) {
            let q = b * L + 4 * k + j; // below b * L + L, as L is a multiple of 4
            unchecked Z[a, c, h, q, l] = turned(y[r = 4 * k + j, p = h * L + l], FR, q, l, FB, q, h, QL);
        }
        if const (P % L > 0) {
            axis t in P % L;
            const int H = P / L;
            let q = b * L + r;
            Z[a, c, H, q, t] = turned(y[p = H * L + t], FR, q, t, FB, q, H, QL);
        }
    }
}
schedule fft_split { vector(r) = 16; vector(l) = 16; }

/// The second: Y[a, c, q, p] is output p + P q.
kernel fft_join<T: complex, S: f32 | f64>(in T Z[A, C, PB, const QL, const L], in S W[NW], out T Y[A, C, const Q, const P], const int sign = -1,
                                          const bool normalise = false, const int last = 8)
    where NW == 2 * Q - 2, PB == ceil_div(P, L), QL == L * ceil_div(Q, L)
{
    grid (each a in A, each c in C, each b in ceil_div(P, L)) {
        axis r in L, q in Q;
        let y = passes(Z[a, c, b, q, r], q, W, Q, sign, last);
        Y[a, c, q, b * L + r] = normalise ? scaled(y, 1 / f64(P * Q)) : y;
    }
}
schedule fft_join { vector(r) = 16; }

/// Bluestein's filter before its transform: conj(chirp) wrapped around M, divided by M.
kernel fft_filter<T: complex>(in T V[N], out T H[M])
{
    grid (m in M) {
        let v = m < N ? V[m] : V[M - m];
        let k = re(T(complex(1 / f64(M), 0.0)));
        H[m] = complex(re(v) * k, -im(v) * k);
    }
}

/// Any length N by Bluestein's algorithm: a cyclic convolution of length M >= 2 N - 1 with the chirp V, by transforms of length M.
/// H = transform of the filter, WF and WB its factors forward and backward.
kernel fft_bluestein<T: complex, S: f32 | f64>(in T X[A, C, const N], in T V[const N], in T H[const M], in S WF[NW], in S WB[NW], out T Y[A, C, const N],
                                 const bool normalise = false, const int last = 8)
    where NW == 2 * M - 2, M >= 2 * N - 1
{
    grid (each a in A, each c in C) {
        axis m in M, n in N;
        let x = cmul(X[a, c, m], V[m]);
        let z = passes(cmul(passes(x, m, WF, M, -1, last), H[m]), m, WB, M, 1, last);
        let y = cmul(z[m = n], V[n]);
        Y[a, c, n] = normalise ? scaled(y, 1 / f64(N)) : y;
    }
}

/// P[q] = g^q modulo n.
kernel fft_powers(out i32 P[M], int g, int n)
{
    grid {
        int power = 1;
        for (each q in M) {
            P[q] = i32(power);
            power = power * g % n;
        }
    }
}

/// Rader's filter before its transform: the factors of output 1 in the order of R, divided by M.
kernel fft_rader_filter<T: complex>(in i32 R[M], out T H[M], const int sign = -1)
{
    grid (m in M) {
        let w = T(cispi(f64(2 * sign * int(R[m])) / f64(M + 1)));
        let k = re(T(complex(1 / f64(M), 0.0)));
        H[m] = complex(re(w) * k, im(w) * k);
    }
}

schedule fft_rader_filter { vector(m) = 1; }

/// A prime length N = M + 1 by Rader's algorithm. With P[q] the powers of a generator g modulo N and R[q] those of its inverse, output R[p] is
/// X[0] + sum over q of X[P[q]] w^R[p - q]: a cyclic convolution of length M. H = transform of its filter; the sum of all X is output 0
/// of the first transform, and X[0], added to what output 0 of the second one is made from, is added to all.
kernel fft_rader<T: complex, S: f32 | f64>(in T X[A, C, const N], in i32 P[const M], in i32 R[const M], in T H[const M], in S WF[NW], in S WB[NW],
                             out T Y[A, C, const N], const bool normalise = false, const int last = 8)
    where NW == 2 * M - 2, M + 1 == N, unique(R)
{
    grid (each a in A, each c in C) {
        axis m in M, e in 1;
        let x = X[a, c, int(P[m])], first = X[a, c, e];
        T z[m] = passes(x, m, WF, M, -1, last);
        let y = cmul(z, H[m]), none = T(complex(0.0, 0.0));
        let all = passes(y + (m == 0 ? X[a, c, 0] : none), m, WB, M, 1, last);
        Y[a, c, int(R[m])] = normalise ? scaled(all, 1 / f64(N)) : all;
        let sum = z[m = e] + first;
        unchecked Y[a, c, e] = normalise ? scaled(sum, 1 / f64(N)) : sum; // R is never 0
    }
}

/// Its parts for lengths whose transforms do not fit an instance: Y = X V, zero from N to M.
kernel fft_chirp_in<T: complex>(in T X[A, C, N], in T V[N], out T Y[A, C, M])
{
    grid (a in A, c in C, m in M) Y[a, c, m] = cmul(X[a, c, m], V[m]);
}

/// Y = X H in place of the middle.
kernel fft_multiply<T: complex>(in T X[A, C, M], in T H[A, C, M], out T Y[A, C, M])
{
    grid (a in A, c in C, m in M) Y[a, c, m] = cmul(X[a, c, m], H[a, c, m]);
}

/// Y = the first N of X, times V.
kernel fft_chirp_out<T: complex>(in T X[A, C, M], in T V[N], out T Y[A, C, N], const bool normalise = false)
{
    grid (a in A, c in C, n in N) {
        let y = cmul(X[a, c, n], V[n]), k = re(T(complex(1 / f64(N), 0.0)));
        Y[a, c, n] = normalise ? complex(re(y) * k, im(y) * k) : y;
    }
}

/// Real rows of even length N = 2 H by a transform of length H: Z is X as pairs, V holds exp(-pi i k / H), Y the first H + 1 outputs.
kernel fft_r2c<T: complex, S: f32 | f64>(in T Z[A, C, const H], in S W[NW], in S V[NV], out T Y[A, C, const K],
               const bool normalise = false, const int last = 8)
    where NW == 2 * H - 2, NV == 2 * H, K == H + 1
{
    grid (each a in A, each c in C) {
        axis h in H, k in H from 1;
        T z[h] = passes(Z[a, c, h], h, W, H, -1, last);
        let p = z[h = k], q = conj(z[h = H - k]);
        let s = p + q, d = cmul(p - q, T(complex(V[k], V[H + k])));
        const f64 f = normalise ? 1 / f64(2 * H) : 1.0;
        Y[a, c, k] = scaled(T(complex(re(s) + im(d), im(s) - re(d))), 0.5 * f);
        axis e in 1;
        let first = z[h = e];
        Y[a, c, e * H] = scaled(T(complex(re(first) + im(first), 0.0)), f);
        Y[a, c, (e + 1) * H] = scaled(T(complex(re(first) - im(first), 0.0)), f);
    }
}

/// The last step of fft_r2c on its own: Z is the transform of length H.
kernel fft_untangle<T: complex, S: f32 | f64>(in T Z[A, C, H], in S V[NV], out T Y[A, C, K], const bool normalise = false)
    where K == H + 1, NV == 2 * H
{
    ends: grid (each a in A, each c in C) {
        axis e in 1;
        let first = Z[a, c, e], f = normalise ? 1 / f64(2 * H) : 1.0;
        Y[a, c, e] = scaled_by(T(complex(re(first) + im(first), 0.0)), f);
        Y[a, c, e + H] = scaled_by(T(complex(re(first) - im(first), 0.0)), f);
    }
    pairs: grid (each a in A, each c in C, k in H / 2 + 1 from 1) {
        let p = Z[a, c, k], q = conj(Z[a, c, H - k]), f = normalise ? 0.5 / f64(2 * H) : 0.5;
        let s = p + q, d = cmul(p - q, T(complex(V[k], V[H + k])));
        Y[a, c, k] = scaled_by(T(complex(re(s) + im(d), im(s) - re(d))), f);
        unchecked Y[a, c, H - k] = scaled_by(T(complex(re(s) - im(d), -im(s) - re(d))), f); // k = H / 2: the same number again
    }
}

/// X as complex numbers.
kernel fft_widen(in f32 X[A, C, N], out c32 Y[A, C, N])
{
    grid (a in A, c in C, n in N) Y[a, c, n] = complex(X[a, c, n], f32(0));
}
kernel fft_widen64(in f64 X[A, C, N], out c64 Y[A, C, N])
{
    grid (a in A, c in C, n in N) Y[a, c, n] = complex(X[a, c, n], f64(0));
}

/// The first K of N.
kernel fft_head<T: complex>(in T X[A, C, N], out T Y[A, C, K])
{
    grid (a in A, c in C, k in K) Y[a, c, k] = X[a, c, k];
}

/// All N outputs of a real signal from its first K = N / 2 + 1: the others are conjugates.
kernel fft_mirror<T: complex>(in T X[A, C, K], out T Y[A, C, N])
{
    grid (a in A, c in C, n in N) Y[a, c, n] = n < K ? X[a, c, n] : conj(X[a, c, N - n]);
}

/// Real parts.
kernel fft_real(in c32 X[A, C, N], out f32 Y[A, C, N])
{
    grid (a in A, c in C, n in N) Y[a, c, n] = re(X[a, c, n]);
}
kernel fft_real64(in c64 X[A, C, N], out f64 Y[A, C, N])
{
    grid (a in A, c in C, n in N) Y[a, c, n] = re(X[a, c, n]);
}

/// The first of the H + 1 numbers, and the last, are real whatever is stored.
private fn half<T: complex>(T x, bool real) -> T = real ? complex(re(x), 0.0) : x;

/// Back from H + 1 numbers to a real row of length 2 H as H pairs, without the factor: V holds exp(pi i k / H).
kernel fft_c2r<T: complex, S: f32 | f64>(in T X[A, C, const K], in S W[NW], in S V[NV], out T Z[A, C, const H], const bool normalise = false, const int last = 8)
    where NW == 2 * H - 2, NV == 2 * H, K == H + 1
{
    grid (each a in A, each c in C) {
        axis h in H;
        let p = half(X[a, c, h], h == 0), q = conj(half(X[a, c, H - h], h == 0));
        let s = p + q, d = cmul(p - q, T(complex(V[h], V[H + h])));
        let y = passes(T(complex(re(s) - im(d), im(s) + re(d))), h, W, H, 1, last);
        Z[a, c, h] = normalise ? scaled(y, 1 / f64(2 * H)) : y;
    }
}

/// What fft_c2r transforms: Z[h] for a transform of length H that gives the row as pairs; `halve` divides by 2.
kernel fft_tangle<T: complex, S: f32 | f64>(in T X[A, C, K], in S V[NV], out T Z[A, C, H], const bool halve = false)
    where K == H + 1, NV == 2 * H
{
    grid (each a in A, each c in C, h in H) {
        let p = half(X[a, c, h], h == 0), q = conj(half(X[a, c, H - h], h == 0));
        let s = p + q, d = cmul(p - q, T(complex(V[h], V[H + h])));
        let z = T(complex(re(s) - im(d), im(s) + re(d)));
        Z[a, c, h] = halve ? scaled(z, 0.5) : z;
    }
}

/* ---- convolutions of rows (stdlib/fft_convolve.c): Y = backward transform of the response G times the transform of X ---- */

/// X at `from` of M, zeros elsewhere, but X begins again in the first `after` behind it and is also, its end, in the last `before` of M.
kernel fft_fill<T: num>(in T X[A, C, N], out T Y[A, C, M], int from = 0, int before = 0, int after = 0)
{
    grid (a in A, c in C, m in M) {
        let again = m < N + after ? X[a, c, m - N] : 0, behind = m >= N + from ? again : X[a, c, m - from];
        Y[a, c, m] = m + before >= M ? X[a, c, m - M + N] : behind;
    }
}

/// The response of a filter whose transform is Z; conjugate for a correlation.
kernel fft_respond<T: complex>(in T Z[A, C, M], out T G[A, C, M], const bool correlate = false)
{
    grid (a in A, c in C, m in M) {
        let g = scaled_by(Z[a, c, m], 1 / f64(M));
        G[a, c, m] = correlate ? conj(g) : g;
    }
}

/// The same for real rows of length 2 H as pairs: Z is the transform of the pairs of the filter, V holds exp(-pi i h / H). Of pairs with
/// transform z the convolution has the transform G[0, h] z[h] + G[1, h] conj(z[H - h]): what fft_r2c does to z, the product and what fft_c2r
/// does to it, put together. With s and d the sum and the difference of Z[h] and conj(Z[H - h]), V = c - i s',
/// G[0] = s + i V s' d and G[1] = V c d, divided by 2 H.
kernel fft_respond_real<T: complex, S: f32 | f64>(in T Z[A, C, H], in S V[NV], out T G[A, C, 2, H], const bool correlate = false)
    where NV == 2 * H
{
    grid (each a in A, each c in C, h in H) {
        let p = Z[a, c, h], q = conj(h == 0 ? Z[a, c, h] : Z[a, c, H - h]), cosine = V[h], sine = -V[H + h];
        let d = cmul(p - q, T(complex(cosine, -sine)));
        let f = scaled_by(T(complex(re(p + q) - im(d) * sine, im(p + q) + re(d) * sine)), 0.5 / f64(H));
        let g = scaled_by(T(complex(re(d) * cosine, im(d) * cosine)), 0.5 / f64(H));
        G[a, c, 0, h] = correlate ? conj(f) : f;
        G[a, c, 1, h] = correlate ? -conj(g) : g;
    }
}

/// Rows of N, which are zero from there to M; of the result the first L.
kernel fft_convolve<T: complex, S: f32 | f64>(in T X[A, C, const N], in T G[A, C, const M], in S WF[NW], in S WB[NW], out T Y[A, C, const L], const int last = 8)
    where NW == 2 * M - 2, N <= M, L <= M
{
    grid (each a in A, each c in C) {
        axis m in M, n in L;
        let z = passes(cmul(passes(X[a, c, m], m, WF, M, -1, last), G[a, c, m]), m, WB, M, 1, last);
        Y[a, c, n] = z[m = n];
    }
}

/// The same for real rows as pairs.
kernel fft_convolve_real<T: complex, S: f32 | f64>(in T X[A, C, const N], in T G[A, C, 2, const H], in S WF[NW], in S WB[NW], out T Y[A, C, const L], const int last = 8)
    where NW == 2 * H - 2, N <= H, L <= H
{
    grid (each a in A, each c in C) {
        axis h in H, k in H from 1, e in 1, n in L;
        T z[h] = passes(X[a, c, h], h, WF, H, -1, last);
        T t[h] = complex(0.0, 0.0);
        t[h = k] = cmul(z[h = k], G[a, c, 0, k]) + cmul(conj(z[h = H - k]), G[a, c, 1, k]);
        t[h = e] = cmul(z[h = e], G[a, c, 0, e]) + cmul(conj(z[h = e]), G[a, c, 1, e]);
        let y = passes(t, h, WB, H, 1, last);
        Y[a, c, n] = y[h = n];
    }
}

/// The middle of fft_convolve_real on its own, for lengths that do not fit an instance.
kernel fft_blend<T: complex>(in T Z[A, C, H], in T G[A, C, 2, H], out T Y[A, C, H])
{
    grid (each a in A, each c in C, h in H) {
        let q = conj(h == 0 ? Z[a, c, h] : Z[a, c, H - h]);
        Y[a, c, h] = cmul(Z[a, c, h], G[a, c, 0, h]) + cmul(q, G[a, c, 1, h]);
    }
}
