kernel k<T: f16 | bf16>(in T X[N], out T Y[N])
{
    grid (i in N) {
        let x = f32(X[i]);
        Y[i] = x * x;
    }
}
