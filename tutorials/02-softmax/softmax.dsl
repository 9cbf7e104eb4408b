/// Softmax of each row.
kernel softmax<T: f16 | bf16 | f32>(in T X[M, N], out T Y[M, N])
{
    grid (i in M) {
        axis j in N;                        // the whole row as one axis
        let x = f32(X[i, j]);
        let e = exp(x - max(x, j));         // max over axis j; broadcast back by name
        Y[i, j] = T(e * (1 / sum(e, j)));   // one division a row
    }
}
