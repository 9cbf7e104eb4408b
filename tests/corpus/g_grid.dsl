/// Neighbours on a grid, indices that wrap round, prefix sums along either axis: lanes along moved indices.

kernel jacobi<T: float>(in T U[H, W], in T F[H, W], out T V[H, W], f32 h2 = 1)
{
    grid (y in H, x in W) {
        let around = widen(U[y - 1, x]) + widen(U[y + 1, x]) + widen(U[y, x - 1])
            + widen(U[y, x + 1]);
        V[y, x] = T((around - wide(T)(h2) * widen(F[y, x])) * 0.25);
    }
}

/// The same on a torus, with diagonal neighbours.
kernel torus<T: f32 | f64 | i32>(in T X[H, W], out T Y[H, W])
{
    grid (y in H, x in W) {
        let u = (y - 1) % H, d = (y + 1) % H, l = (x - 1) % W, r = (x + 1) % W;
        Y[y, x] = X[u, x] + X[d, x] + X[y, l] + X[y, r] - X[u, l] - X[d, r];
    }
}

kernel window(in f32 X[H, W], in f32 F[const R, const S], out f32 Y[H, W], out f32 Z[H, W])
{
    grid (y in H, x in W) {
        axis r in R, s in S;
        Y[y, x] = sum(X[y + r - R / 2, x + s - S / 2] * F[r, s], r, s);
        Z[y, x] = sum(X[(y + r - R / 2) % H, (x + s - S / 2) % W] * F[r, s], r, s);
    }
}

/// Every other element, elements from the end, what lies outside as 7.
kernel moved(in i32 X[H, W], out i32 Y[H, W], int by)
{
    grid (y in H, x in W)
        Y[y, x] = X[y, 2 * x - 3] + 3 * X[y, W - x] + 5 * (X[y, x + by] else 7)
            + 11 * X[H - 1 - y, 5 - x];
}

kernel prefixes<T: f32 | f16 | i32 | u8>(in T X[H, W], out wide(T) S[H, W], out wide(T) B[H, W],
        out T M[H, W], out wide(T) C[H, W])
{
    grid (y in H) {
        axis x in W;
        let v = widen(X[y, x]);
        S[y, x] = cumsum(v, x);
        B[y, x] = cumsum(v, x, exclusive = true, reverse = true);
        M[y, x] = cummax(X[y, x], x);
    }
    grid (x in W) {
        axis y in H;
        C[y, x] = cumsum(widen(X[y, x]), y);
    }
}

/// Pairs of elements turned by angles that all heads share.
kernel turn<T: float>(in T X[B, S, H, const D], out T Y[B, S, H, const D])
    where D % 2 == 0
{
    grid (each b in B, s in S, h in H) {
        axis d in D;
        let t = f32(s) * exp2(f32(d % (D / 2)) * (-2.0 / f32(D)) * 13.287712);
        let x = f32(X[b, s, h, d]), o = f32(X[b, s, h, (d + D / 2) % D]);
        Y[b, s, h, d] = T(d < D / 2 ? x * cos(t) - o * sin(t) : x * cos(t) + o * sin(t));
    }
}

kernel attraction(in f32 P[N, 3], in f32 M[N], out f32 A[N, 3])
{
    grid (i in N) {
        f32 ax[i] = 0, ay[i] = 0, az[i] = 0;
        for (j in N) {
            let dx = P[j, 0] - P[i, 0], dy = P[j, 1] - P[i, 1], dz = P[j, 2] - P[i, 2];
            let r = rsqrt(dx * dx + dy * dy + dz * dz + 0.01);
            let w = M[j] * r * r * r;
            ax += sum(w * dx, j);
            ay += sum(w * dy, j);
            az += sum(w * dz, j);
        }
        A[i, 0] = ax;
        A[i, 1] = ay;
        A[i, 2] = az;
    }
}

/// Scales of groups of 32, a table of 16 that repeats.
kernel groups<T: f32 | f64 | i32>(in T X[M, K], in T S[M, G], in T R[16], out T Y[M, K])
    where G == ceil_div(K, 32)
{
    grid (m in M) {
        axis k in K;
        Y[m, k] = X[m, k] * S[m, k / 32] + R[k % 16] - R[(k + 24) % 16];
    }
}

/// Angles of any size: the far ones take a branch of their own.
fn twice_sine(f32 x) -> f32
{
    f32 y = x;
    while (abs(y) > 1.0) y = sin(y);
    return y * cos(x);
}
kernel waves<T: f32 | f16 | bf16>(in T X[M, N], out T S[M, N], out T C[M, N], out T L[M, N])
{
    grid (i in M, j in N) {
        S[i, j] = sin(X[i, j]);
        C[i, j] = T(cos(f32(X[i, j]) * 0.5));
        L[i, j] = T(twice_sine(f32(X[i, j])));
    }
}

/// Part of each head is turned by the angles of a position, halves against each other; the rest is copied.
kernel turn_part<T: float>(in T X[S, H, D], in f32 C[S, E], in f32 N[S, E], out T Y[S, H, D])
    where D >= 2 * E
{
    grid (s in S, h in H, d in D) {
        let p = d % E, x = f32(X[s, h, d]);
        let other = d < E ? -f32(X[s, h, d + E]) : f32(X[s, h, d - E]);
        Y[s, h, d] = T(d < 2 * E ? x * C[s, p] + other * N[s, p] : x);
    }
}

/// Rows that follow one another, cut anywhere: before their begin and behind their end, too.
kernel joined<T: f32 | f64 | i32 | u8>(in T A[M, P], in T B[M, Q], out T Y[M, P + Q], out T Z[M, P + Q], int at)
{
    grid (m in M, k in P + Q) Y[m, k] = k < P ? A[m, k] : B[m, k - P];
    grid (m in M, k in P + Q) {
        Z[m, k] = at >= k ? B[m, k % at] : k > at + 1 ? A[m, k / 2] : A[m, k / at];
    }
}
