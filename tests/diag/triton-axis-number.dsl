kernel softmax(in f32 X[M, N], out f32 Y[M, N])
{
    grid (i in M) {
        axis j in N;
        let x = X[i, j], e = exp(x - max(x, axis = 1));
        Y[i, j] = e / sum(e, axis = 1);
    }
}
