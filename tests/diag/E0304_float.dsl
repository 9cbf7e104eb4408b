kernel k(in f32 X[M], out f32 Y[M])
{
    grid (i in M) {
        let x = X[0];
        axis j in x;
        Y[i] = X[i];
    }
}
