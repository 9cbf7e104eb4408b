kernel normalise(in f32 X[N], out f32 Y[N])
{
    grid (i in N) {
        let x = X[i];
        Y[i] = x / sum(x, i);
    }
}
