kernel k(in f32 X[N], out f32 Y[N])
{
    grid (i in N) {
        axis j in N;
        Y[i] = sum(cumsum(X[j], j, backwards = true), j);
    }
}
