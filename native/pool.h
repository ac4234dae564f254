// Threads that wait for work, and a barrier between them. One pool serves the process; after a fork the child
// starts its own.
#pragma once
#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>

namespace backtalk {

// Where all threads of a job meet. The last to arrive runs `alone` before anyone goes on.
class Barrier {
public:
    explicit Barrier(int threads);
    template <class F>
    void meet(F alone) {
        if (threads_ == 1) return alone();
        const unsigned round = round_.load(std::memory_order_acquire);
        if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == threads_) {
            alone();
            arrived_.store(0, std::memory_order_relaxed);
            release();
        } else {
            wait(round);
        }
    }

private:
    void release();
    void wait(unsigned round);

    const int threads_, spins_;
    std::atomic<int> arrived_{0};
    std::atomic<unsigned> round_{0};
    std::mutex mutex_;
    std::condition_variable changed_;
};

// Runs work(0) here and work(1) ... work(threads - 1) on other threads; comes back when all are done. Where the
// pool serves somebody else, all of it runs here, one after the other: `work` must not wait for its siblings then,
// so it is told how many threads there are: work(index, threads).
void run_on_threads(int threads, const std::function<void(int, int)> &work);

int processors();  // that this process may use

void watch_forks();  // once, before anything runs
unsigned forks();    // that lie between the first process and this one

}  // namespace backtalk
