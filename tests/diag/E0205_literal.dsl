kernel k(out u8 Y[N])
{
    grid (i in N) {
        u8 x[i] = 300;
        Y[i] = x;
    }
}
