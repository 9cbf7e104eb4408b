kernel layer_norm<T: float>(in T X[M, N], out T Y[M, N], out f32 mean[M])
{
    grid (i in M) {
        axis j in N;
        let x = f32(X[i, j]), m = mean(x, j);
        Y[i, j] = T(x - m);
        mean[i] = m;
    }
}
