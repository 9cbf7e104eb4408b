kernel scale<T: float>(in T X[M, N], out T Y[M, N])
    where N % block == 0
{
    grid (i in M, j in N) Y[i, j] = X[i, j];
}
