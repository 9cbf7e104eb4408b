/// Mean and variance in one pass: a reduction of one's own (B. P. Welford 1962; the pairwise form is T. Chan et al. 1979).
fn welford((f32, f32, f32) a, (f32, f32, f32) b) -> (f32, f32, f32)
{
    let (ma, qa, na) = a, (mb, qb, nb) = b;
    let n = na + nb, d = mb - ma, t = n > 0 ? nb / n : 0;
    return (ma + d * t, qa + qb + d * d * na * t, n);
}
kernel moments<T: f16 | bf16 | f32>(in T X[R, C], out f32 mean[C], out f32 var[C])
{
    grid (c in C) {
        axis r in R;
        let (m, q, n) = reduce((f32(X[r, c]), 0.0, 1.0), r, welford, (0.0, 0.0, 0.0));
        mean[c] = m;
        var[c] = q / n;
    }
}

/// y[t] = a[t] * y[t-1] + x[t]: a linear recurrence is a scan of affine maps.
fn affine((f32, f32) p, (f32, f32) q) -> (f32, f32) = (p.0 * q.0, q.0 * p.1 + q.1);
kernel recurrence(in f32 A[M, N], in f32 X[M, N], out f32 Y[M, N])
{
    grid (i in M) {
        axis t in N;
        let (_, y) = scan((A[i, t], X[i, t]), t, affine, (1.0, 0.0));
        Y[i, t] = y;
    }
}

/// A loop per element lives in a function: each pixel iterates on its own.
fn escape(f32 cx, f32 cy, int limit) -> i32
{
    f32 x = 0, y = 0;
    i32 n = 0;
    while (x * x + y * y < 4 && n < limit) {
        let t = x * x - y * y + cx;
        y = 2 * x * y + cy;
        x = t;
        n += 1;
    }
    return n;
}
kernel mandelbrot(out i32 C[H, W], f32 x0, f32 y0, f32 step, int limit)
{
    grid (y in H, x in W) C[y, x] = escape(x0 + f32(x) * step, y0 + f32(y) * step, limit);
}
