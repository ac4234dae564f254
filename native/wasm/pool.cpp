// pool.h for a page, where there is one thread: all work runs here, and nobody waits.
#include "../pool.h"

namespace backtalk {

Barrier::Barrier(int threads) : threads_(threads), spins_(0) {}
void Barrier::release() {}
void Barrier::wait(unsigned) {}

int ready_threads(int) { return 1; }
void run_on_threads(int, const std::function<void(int, int)> &work) { work(0, 1); }
int processors() { return 1; }
void watch_forks() {}
unsigned forks() { return 0; }

}  // namespace backtalk
