/// Order: sorting and the largest K of each row, histograms.

/// Y is X in order and I where each came from; stable, NaN last.
kernel sort_rows<T: integer | float>(in T X[M, N], out T Y[M, N], out i64 I[M, N], const bool descending = false)
{
    grid (i in M) {
        axis j in N;
        let (v, p) = sort_index(X[i, j], j, descending = descending);
        Y[i, j] = v;
        I[i, j] = p;
    }
}
/// The K largest of each row, largest first; where a row is shorter, the least value and -1
kernel top_k<T: integer | float>(in T X[M, N], out T Y[M, const K], out i64 I[M, const K])
{
    grid (i in M) {
        axis j in N, k in K;
        let (v, p) = topk(X[i, j], j, k);
        Y[i, k] = v;
        I[i, k] = p;
    }
}
/// H[b] = how often b is in X; other values are not counted.
kernel bincount<T: u8 | i32>(in T X[N], out i32 H[const B] = 0)
{
    grid (i in N) {
        axis b in B;
        atomic H[b] += histogram(X[i], i, b);
    }
}
