kernel row_sum<T: float>(in T X[M, N], out T Y[M])
{
    grid (i in M) {
        f32 acc[i] = 0;
        for (k in N) acc += sum(X[i, k], k);
        Y[i] = T(acc);
    }
}
