kernel norm(in f32 X[N, 3], out f32 Y[N])
{
    grid (i in N) {
        axis c in 3;
        Y[i] = sqrt(sum(X[i, c] * X[i, c], c));
    }
}
schedule norm { i = 256; c = 2; }
