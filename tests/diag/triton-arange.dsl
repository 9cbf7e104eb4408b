kernel add(in f32 X[N], out f32 Z[N], const int BLOCK = 128)
{
    grid (p in N / BLOCK) {
        let offs = p * BLOCK + arange(0, BLOCK);
        Z[offs] = X[offs];
    }
}
