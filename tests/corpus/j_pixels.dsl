/// Points of a few elements side by side: memory/pixels.c of the x86 target.

/// Channels named one by one, in and out, and a plane beside them.
kernel recolour<T: u8 | i16 | i32 | f32 | f64>(in T X[H, W, 3], in T M[3], out T Y[H, W, 3], out T Z[H, W])
{
    grid (y in H, x in W) {
        let r = X[y, x, 0], g = X[y, x, 1], b = X[y, x, 2];
        Y[y, x, 0] = b;
        Y[y, x, 1] = g + r;
        Z[y, x] = r + g + b;
        Y[y, x, 2] = r * M[1];
    }
}

/// Channels as an axis of the grid; neighbours that may be outside.
kernel channels<T: u8 | i16 | i32 | f32 | f64>(in T X[H, W, 3], in T M[3], out T Y[H, W, 3], out T P[3, H, W])
{
    grid (y in H, x in W, c in 3) Y[y, x, c] = X[y, x + 1, c] * M[c] + X[y, x - 2, 2] + X[y - 1, x, 2 - c];
    grid (c in 3, y in H, x in W) P[c, y, x] = X[y, x, c];
}

/// Points of four, of two and of two by two elements; some are changed in place.
kernel quads<T: u8 | i16 | i32 | f32 | f64>(in T X[N, 4], in T A[N, 2], out T Y[N, 4], out T B[N, 2], inout T C[N, 2, 2], inout T V[N, 3], in T S[N, 1])
{
    grid (i in N) {
        axis c in 4, d in 2, e in 3;
        Y[i, c] = X[i, 3] + X[i, c];
        B[i, 1] = A[i, 0] + S[i, 0];
        B[i, 0] = A[i, 1] + X[i, 1];
        C[i, d, 1] = C[i, d, 1] + A[i, 1];
        V[i, e] = V[i, e] + V[i, 2 - e] * A[i, 0];
    }
}

/// Only some of the channels are written, and some only where a condition holds.
kernel partly<T: u8 | bf16 | i32 | f32 | f64>(in T X[N, 3], inout T Y[N, 3], inout T Z[N, 4], inout T W[N, 2])
{
    grid (i in N) {
        Y[i, 0] = X[i, 2];
        Y[i, 2] = X[i, 0];
        Z[i, 0] = X[i, 1];
        Z[i, 1] = X[i, 1] where X[i, 0] > X[i, 1];
        Z[i, 2] = X[i, 2];
        Z[i, 3] = X[i, 0];
        W[i, 0] = X[i, 0] where i % 2 == 0;
        W[i, 1] = X[i, 1];
    }
}
