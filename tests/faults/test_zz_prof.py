import cProfile, pstats, time, sys
import pytest
from tests.faults.play import play_seed
@pytest.mark.django_db
def test_prof():
    pr=cProfile.Profile()
    times=[]
    for seed in range(1,26):
        t=time.process_time(); pr.enable(); r=play_seed(seed); pr.disable(); times.append((round(time.process_time()-t,2),seed,r.calls, bool(r.wrong)))
    print(sorted(times,reverse=True)[:12], sum(t[0] for t in times))
    st=pstats.Stats(pr); st.sort_stats('cumtime').print_stats(70)
