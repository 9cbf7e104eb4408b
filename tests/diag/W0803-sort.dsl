kernel sorted_rows(in f32 X[M, 100000], out f32 Y[M, 100000])
{
    grid (each i in M) {
        axis j in 100000;
        Y[i, j] = sort(X[i, j], j);
    }
}
