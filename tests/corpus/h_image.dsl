/// Filters over the neighbours of a pixel: short sorts, which become networks, and indices that stop at an edge.

/// The median of (2 R + 1)² neighbours, those outside being the nearest inside.
kernel median<T: f32 | bf16 | u8 | i32>(in T X[H, W], out T Y[H, W], const int R = 1)
{
    grid (y in H, x in W) {
        axis t in (2 * R + 1) * (2 * R + 1);
        let i = y + t / (2 * R + 1) - R, j = x + t % (2 * R + 1) - R;
        let s = sort(X[clamp(i, 0, H - 1), clamp(j, 0, W - 1)], t);
        Y[y, x] = s[t = 2 * R * (R + 1)];
    }
}

/// The four neighbours in order and where they are; outside is 0.
kernel ranks<T: f32 | f64 | i16>(in T X[H, W], out T V[H, W, 4], out i64 A[H, W, 4], const bool down = false)
{
    grid (y in H, x in W) {
        axis t in 4;
        let (v, a) = sort_index(X[y + t / 2, x + t % 2], t, descending = down);
        V[y, x, t] = v;
        A[y, x, t] = a;
    }
}

kernel sort_columns<T: f32 | bf16 | u8 | i64>(in T X[const N, M], out T V[const N, M], const bool down = false)
{
    grid (m in M) {
        axis n in N;
        V[n, m] = sort(X[n, m], n, descending = down);
    }
}

/// Indices that are limited on one side, on both, in either order and by any number.
kernel limits<T: f32 | u8>(in T X[H, W], out T Y[5, H, W], int lo, int hi)
{
    grid (y in H, x in W) {
        Y[0, y, x] = X[min(y + 1, H - 1), min(x + 2, W - 1)];
        Y[1, y, x] = X[max(y - 1, 0), max(x - 3, 2)];
        Y[2, y, x] = X[y, min(max(x + 5, -2), hi)];
        Y[3, y, x] = X[clamp(2 * y, 1, hi), max(min(2 * x - 7, hi), 4)];
        Y[4, y, x] = X[y, max(x, lo)];
    }
}
