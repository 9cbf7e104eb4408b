kernel k<T: float, U: f16 | bf16>(in T X[N], in U Y[N], out T Z[N], out U W[N])
{
    grid (n in N) {
        Z[n] = X[n] + X[n] + X[n] + X[n];
        W[n] = Y[n] * Y[n] + Y[n] - Y[n] + (Y[n] + Y[n] + Y[n]);
    }
}
