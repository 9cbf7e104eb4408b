// Blocks of four reach beyond the end; they make everything if there are enough of them, and all of each.
kernel all(in f32 X[N], out f32 Y[P, Q]) where P == Q
{
    grid (each i in ceil_div(P, 4), each j in ceil_div(Q, 4)) {
        axis r in 4, s in 4;
        Y[4 * i + r, 4 * j + s] = 0;
    }
}

kernel unrolled(out f32 Y[P])
{
    grid (i in ceil_div(P, 2)) {
        Y[2 * i] = 0;
        Y[2 * i + 1] = 1;
    }
}

kernel too_few(out f32 Y[P])
{
    grid (each i in P / 4) {
        axis r in 4;
        Y[4 * i + r] = 0;
    }
}

kernel three_of_four(out f32 Y[P])
{
    grid (each i in ceil_div(P, 4)) {
        axis r in 3;
        Y[4 * i + r] = 0;
    }
}

kernel one_of_two(out f32 Y[P])
{
    grid (i in ceil_div(P, 2)) Y[2 * i + 1] = 1;
}

kernel shifted(out f32 Y[P])
{
    grid (i in P) Y[i + 1] = 1;
}
