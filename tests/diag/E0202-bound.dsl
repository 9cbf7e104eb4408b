kernel scale<T: floating>(in T X[N], out T Y[N])
{
    grid (i in N) Y[i] = X[i];
}
